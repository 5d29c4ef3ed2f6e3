//! The program of docs/guides/games.md.

use std::time::Duration;

use stenolog::{OnFull, debug, debug_span, info, warn};

const BUDGET: Duration = Duration::from_micros(16_600);

struct World {
    entities: u32,
    spawned: u32,
}

/// The simulation of a frame. Each thirtieth spawns.
fn simulate(world: &mut World, frame: u64) {
    let _span = debug_span!("simulate", entities = world.entities);
    if frame.is_multiple_of(30) {
        world.entities += 8;
        world.spawned += 8;
        info!(target: "world", frame, "spawned 8 of {}", world.entities);
    }
    debug!(target: "physics", every_n: 60, frame, contacts = world.entities * 3, "solved");
}

/// The time that the frame took, as the graphics driver tells it.
fn render(frame: u64) -> Duration {
    Duration::from_micros(if frame == 77 { 33_200 } else { 8_100 })
}

fn run(frames: u64) {
    stenolog::prepare_thread();
    let mut world = World { entities: 100, spawned: 0 };
    for frame in 0..frames {
        simulate(&mut world, frame);
        let took = render(frame);
        if took > BUDGET {
            warn!(target: "frame", per_second: 10, frame, ?took, "over budget");
        }
    }
    info!(target: "frame", frames, world.spawned, "the game ends");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _log = stenolog::Builder::new("game.steno")
        .default_filter("info,physics=debug,game=debug")
        .ring_capacity_bytes(4 << 20)
        .on_full(OnFull::Drop)
        .capture_panics()
        .start()?;
    std::thread::Builder::new().name("game".into()).spawn(|| run(120))?.join().expect("it ends");
    Ok(())
}
