//! `steno dict` lists call sites, and names what they format at the call.

use serde_json::Value;
use stenolog::{Builder, DynamicSite, DynamicValue, Empty, Level, info, warn};

use crate::program::Workspace;

#[derive(Debug)]
struct Opaque;

#[derive(stenolog::Record)]
struct Order {
    id: u64,
    #[record(debug)]
    state: Opaque,
}

fn logged() -> Workspace {
    let workspace = Workspace::new();
    let log = Builder::new(workspace.path().join("app.steno")).start_detached().unwrap();
    {
        let _scope = log.enter();
        for n in 0..3_u32 {
            info!(target: "app::net", "plain {n:>4} of {}", 1.5);
        }
        warn!(state = ?Opaque, order = Order { id: 7, state: Opaque }, none = Empty, "odd {:?}", Opaque);
    }
    log.close().unwrap();
    workspace
}

#[test]
fn call_sites_are_listed_with_what_they_format() {
    let workspace = logged();
    let text = workspace.run(&["dict", "app.steno"]).ok();
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines[0].contains("dict.rs:") && lines[0].ends_with(" INFO  app::net: plain {n:>4} of {0}"),
        "{text}"
    );
    assert_eq!(lines[1..3], ["    0: f64", "    n: u32"], "{text}");
    assert_eq!(text.matches("formatted at the call").count(), 3, "{text}");

    let eager = workspace.run(&["dict", "--eager", "app.steno"]).ok();
    assert!(!eager.contains("plain"), "{eager}");
    assert!(eager.contains("    state: formatted, formatted at the call (`?`)\n"), "{eager}");
    assert!(eager.contains("    order: Order, formatted at the call\n"), "{eager}");
    assert!(eager.ends_with("1 of 2 call sites format text at the call\n"), "{eager}");
}

/// The bridge of `tracing` describes call sites so. There, `%e`, `err` of `#[instrument]`, and `?e` are the same.
#[test]
fn a_call_site_of_tracing_may_have_formatted_by_either_sigil() {
    let workspace = Workspace::new();
    let log = Builder::new(workspace.path().join("app.steno")).start_detached().unwrap();
    let scope = log.enter();
    let site = DynamicSite::new(Level::Error, "app", "app", "main.rs", 7, None, &["error", "n"]);
    site.log(&[DynamicValue::Debug(&"e"), 1.into()]);
    drop(scope);
    log.close().unwrap();
    let eager = workspace.run(&["dict", "--eager", "app.steno"]).ok();
    let expected = "main.rs:7 ERROR app\n    error: formatted, formatted at the call (`?` or `%`)\n\
                    1 of 1 call site format text at the call\n";
    assert_eq!(eager, expected);
}

#[test]
fn json_has_a_line_for_each() {
    let workspace = logged();
    let text = workspace.run(&["dict", "--json", "app.steno"]).ok();
    let sites: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [plain, odd] = &sites[..] else { panic!("{text}") };
    assert_eq!(plain["level"], "INFO");
    assert_eq!(plain["target"], "app::net");
    assert_eq!(plain["template"], "plain {n:>4} of {0}");
    assert_eq!((&plain["eager"], &odd["eager"]), (&false.into(), &true.into()));
    assert_eq!(plain["slots"][1]["type"], "u32");
    assert_eq!(plain["site"], format!("{}:{}", plain["file"].as_str().unwrap(), plain["line"]));
    let names: Vec<_> = odd["slots"].as_array().unwrap().iter().map(|slot| &slot["name"]).collect();
    assert_eq!(names, ["state", "order", "Opaque"]);
    let eager = workspace.run(&["dict", "--json", "--eager", "app.steno"]).ok();
    assert_eq!(eager.lines().count(), 1, "{eager}");
}
