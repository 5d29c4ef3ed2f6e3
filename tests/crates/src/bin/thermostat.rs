//! The program of docs/from-println.md.

use stenolog::{Console, Level, info, warn};

struct Room {
    name: &'static str,
    celsius: f64,
}

fn heat(room: &mut Room, target: f64) -> u32 {
    let mut minutes = 0;
    while room.celsius < target {
        room.celsius += 0.75;
        minutes += 5;
        info!("{}: {:.1} °C after {minutes} min", room.name, room.celsius);
    }
    minutes
}

fn main() -> Result<(), stenolog::StartError> {
    let _log = stenolog::Builder::new("thermostat.steno")
        .console(Console::stderr().level(Level::Warn))
        .start()?;
    let rooms = [Room { name: "kitchen", celsius: 18.5 }, Room { name: "hall", celsius: 21.0 }];
    for mut room in rooms {
        let minutes = heat(&mut room, 20.0);
        if minutes == 0 {
            warn!(room = room.name, celsius = room.celsius, "warm already");
        }
    }
    Ok(())
}
