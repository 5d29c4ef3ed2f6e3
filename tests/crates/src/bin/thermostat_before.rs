//! The program of docs/from-println.md as it printed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the guide is about them")]

struct Room {
    name: &'static str,
    celsius: f64,
}

fn heat(room: &mut Room, target: f64) -> u32 {
    let mut minutes = 0;
    while room.celsius < target {
        room.celsius += 0.75;
        minutes += 5;
        println!("{}: {:.1} °C after {minutes} min", room.name, room.celsius);
    }
    minutes
}

fn main() {
    let rooms = [Room { name: "kitchen", celsius: 18.5 }, Room { name: "hall", celsius: 21.0 }];
    for mut room in rooms {
        let minutes = heat(&mut room, 20.0);
        if minutes == 0 {
            eprintln!("{}: warm already", room.name);
        }
    }
}
