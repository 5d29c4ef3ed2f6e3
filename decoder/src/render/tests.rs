mod readers;
mod spans;

use super::*;
use crate::Filter;
use crate::testing::{DumpBuilder, Open, Rec, START, loss, render, str_bytes};
use stenolog_format::dictionary::{Level, Role};
use stenolog_format::types::Type;

/// A plain record, a hostile one, one without a message, and losses.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    let slots = [
        ("qty", Role::Argument, Type::U32),
        ("price", Role::Argument, Type::F64),
        ("", Role::Argument, Type::U32),
        ("width", Role::Count, Type::U64),
        ("user.id", Role::Field, Type::Option(Box::new(Type::I64))),
        ("state", Role::DebugField, Type::Str),
    ];
    builder.site(20, Level::Info, "app::book", Some("filled {0} @ {1:>3$.2}"), &slots);
    let mut values = 5_u32.to_le_bytes().to_vec();
    values.extend(101.5_f64.to_le_bytes());
    values.extend(5_u32.to_le_bytes());
    values.extend(8_u64.to_le_bytes());
    values.push(1);
    values.extend((-7_i64).to_le_bytes());
    values.extend(str_bytes("open"));
    let plain = Rec(20, 123_456_789, values);

    let slots = [("who", Role::Argument, Type::Str), ("who", Role::Field, Type::Str)];
    builder.site(21, Level::Error, "app", Some("hello {0}"), &slots);
    let evil = "a\x1b[31m\nb,\"c\"";
    let hostile = Rec(21, 1_000_000_001, [str_bytes(evil), str_bytes(evil)].concat());

    builder.site(22, Level::Debug, "app", None, &[("x", Role::Field, Type::Bool)]);
    let fields_only = Rec(22, 2_000_000_000, vec![1]);

    builder.block(1, &[plain, hostile]);
    builder.block(2, &[fields_only]);
    let lost = stenolog_format::loss::Loss {
        too_large: [0, 2, 0, 0, 0],
        ..loss(3_000_000_000, [0, 0, 0, 12, 5])
    };
    builder.loss(2, lost);
    builder
}

#[track_caller]
fn text(format: Format) -> String {
    let (text, summary) = render(&[builder().dump()], Filter::default(), format);
    assert!(summary.damage.is_empty(), "{:?}", summary.damage);
    text
}

#[test]
fn short() {
    insta::assert_snapshot!(text(Format::Short), @r#"
    2026-11-22T23:07:05.123456Z  INFO main app::book: filled 5 @   101.50 user.id=Some(-7) state="open"
    2026-11-22T23:07:06.000000Z ERROR main app: hello a\u{1b}[31m\nb,"c" who_2="a\u{1b}[31m\nb,\"c\""
    2026-11-22T23:07:07.000000Z DEBUG thread-1235 app: x=true
    2026-11-22T23:07:08.000000Z  WARN thread-1235 stenolog: 19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)
    "#);
}

#[test]
fn verbose() {
    insta::assert_snapshot!(text(Format::Verbose), @r#"
    2026-11-22T23:07:05.123456789Z  INFO main app::book: filled 5 @   101.50
        at src/main.rs:20:5 in app::book
        thread main 1234 (ring 1, record 0)
        qty: u32 = 5
        price: f64 = 101.5
        #2: u32 = 5
        width: u64 = 8 (width or precision)
        user.id: Option<i64> = Some(-7)
        state: str = "open"
    2026-11-22T23:07:06.000000001Z ERROR main app: hello a\u{1b}[31m\nb,"c"
        at src/main.rs:21:5 in app
        thread main 1234 (ring 1, record 1)
        who: str = "a\u{1b}[31m\nb,\"c\""
        who: str = "a\u{1b}[31m\nb,\"c\""
    2026-11-22T23:07:07.000000000Z DEBUG thread-1235 app:
        at src/main.rs:22:5 in app
        thread 1235 (ring 2, record 0)
        x: bool = true
    2026-11-22T23:07:08.000000000Z  WARN thread-1235 stenolog: 19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)
        thread 1235 (ring 2)
    "#);
}

#[test]
fn json() {
    insta::assert_snapshot!(text(Format::Json), @r#"
    {"timestamp":"2026-11-22T23:07:05.123456789Z","level":"INFO","target":"app::book","message":"filled 5 @   101.50","thread":"main","file":"src/main.rs","line":20,"fields":{"qty":5,"price":101.5,"width":8,"user.id":-7,"state":"open"}}
    {"timestamp":"2026-11-22T23:07:06.000000001Z","level":"ERROR","target":"app","message":"hello a\u001b[31m\nb,\"c\"","thread":"main","file":"src/main.rs","line":21,"fields":{"who":"a\u001b[31m\nb,\"c\"","who_2":"a\u001b[31m\nb,\"c\""}}
    {"timestamp":"2026-11-22T23:07:07.000000000Z","level":"DEBUG","target":"app","message":"","thread":"thread-1235","file":"src/main.rs","line":22,"fields":{"x":true}}
    {"timestamp":"2026-11-22T23:07:08.000000000Z","level":"WARN","target":"stenolog","message":"19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)","thread":"thread-1235","file":null,"line":null,"fields":{"lost":19,"ring":2,"cause":"ring_full","ring_full":{"DEBUG":12,"TRACE":5},"too_large":{"WARN":2}}}
    "#);
}

#[test]
fn json_pretty() {
    insta::assert_snapshot!(text(Format::JsonPretty), @r#"
    {
      "timestamp": "2026-11-22T23:07:05.123456789Z",
      "level": "INFO",
      "target": "app::book",
      "message": "filled 5 @   101.50",
      "thread": "main",
      "file": "src/main.rs",
      "line": 20,
      "fields": {
        "qty": 5,
        "price": 101.5,
        "width": 8,
        "user.id": -7,
        "state": "open"
      }
    }
    {
      "timestamp": "2026-11-22T23:07:06.000000001Z",
      "level": "ERROR",
      "target": "app",
      "message": "hello a\u001b[31m\nb,\"c\"",
      "thread": "main",
      "file": "src/main.rs",
      "line": 21,
      "fields": {
        "who": "a\u001b[31m\nb,\"c\"",
        "who_2": "a\u001b[31m\nb,\"c\""
      }
    }
    {
      "timestamp": "2026-11-22T23:07:07.000000000Z",
      "level": "DEBUG",
      "target": "app",
      "message": "",
      "thread": "thread-1235",
      "file": "src/main.rs",
      "line": 22,
      "fields": {
        "x": true
      }
    }
    {
      "timestamp": "2026-11-22T23:07:08.000000000Z",
      "level": "WARN",
      "target": "stenolog",
      "message": "19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)",
      "thread": "thread-1235",
      "file": null,
      "line": null,
      "fields": {
        "lost": 19,
        "ring": 2,
        "cause": "ring_full",
        "ring_full": {
          "DEBUG": 12,
          "TRACE": 5
        },
        "too_large": {
          "WARN": 2
        }
      }
    }
    "#);
}

#[test]
fn logfmt() {
    insta::assert_snapshot!(text(Format::Logfmt), @r#"
    time=2026-11-22T23:07:05.123456789Z level=INFO target=app::book thread=main msg="filled 5 @   101.50" qty=5 price=101.5 width=8 user.id=Some(-7) state="\"open\""
    time=2026-11-22T23:07:06.000000001Z level=ERROR target=app thread=main msg="hello a\u001b[31m\nb,\"c\"" who="a\u001b[31m\nb,\"c\"" who_2="a\u001b[31m\nb,\"c\""
    time=2026-11-22T23:07:07.000000000Z level=DEBUG target=app thread=thread-1235 msg="" x=true
    time=2026-11-22T23:07:08.000000000Z level=WARN target=stenolog thread=thread-1235 msg="19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)" lost=19 ring=2 cause=ring_full
    "#);
}

#[test]
fn csv() {
    insta::assert_snapshot!(text(Format::Csv).replace("\r\n", "␍\n"), @r#"
    timestamp,level,target,thread,file,line,message,fields␍
    2026-11-22T23:07:05.123456789Z,INFO,app::book,main,src/main.rs,20,filled 5 @   101.50,"{""qty"":5,""price"":101.5,""width"":8,""user.id"":-7,""state"":""open""}"␍
    2026-11-22T23:07:06.000000001Z,ERROR,app,main,src/main.rs,21,"hello a\u{1b}[31m\nb,""c""","{""who"":""a\u001b[31m\nb,\""c\"""",""who_2"":""a\u001b[31m\nb,\""c\""""}"␍
    2026-11-22T23:07:07.000000000Z,DEBUG,app,thread-1235,src/main.rs,22,,"{""x"":true}"␍
    2026-11-22T23:07:08.000000000Z,WARN,stenolog,thread-1235,,,"19 records lost: ring full (12 DEBUG, 5 TRACE), longer than the ring (2 WARN)","{""lost"":19,""ring"":2,""cause"":""ring_full"",""ring_full"":{""DEBUG"":12,""TRACE"":5},""too_large"":{""WARN"":2}}"␍
    "#);
}

#[test]
fn colours() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[Rec(17, 5, str_bytes("ann"))]);
    let dumps = [builder.dump()];
    let mut out = String::new();
    let options = RenderOptions::default().with_color(true).with_precision(Precision::Nanos);
    let mut renderer = Renderer::new(Format::Short, options);
    let _ = crate::Decoder::new(&dumps).for_each(|entry| {
        renderer.write(entry, &mut out);
        std::ops::ControlFlow::Continue(())
    });
    insta::assert_snapshot!(out.replace('\x1b', "␛"), @"␛[2m2026-11-22T23:07:05.000000005Z␛[0m ␛[33m WARN␛[0m main ␛[2mapp::net:␛[0m text ␛[1mname=␛[0mann");
}

#[test]
fn what_is_escaped_stays_on_its_line() {
    for format in [Format::Short, Format::Json, Format::Logfmt, Format::Csv] {
        let text = text(format);
        let lines = if format == Format::Csv { 5 } else { 4 };
        assert_eq!(text.lines().count(), lines, "{format}");
        assert!(!text.contains('\x1b'), "{format}");
    }
}

#[test]
fn json_is_what_serde_reads_in_the_order_of_the_schema() {
    let lines = text(Format::Json);
    let pretty = text(Format::JsonPretty);
    let pretty = serde_json::Deserializer::from_str(&pretty).into_iter::<serde_json::Value>();
    for (line, pretty) in lines.lines().zip(pretty) {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(object, pretty.unwrap());
        let keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
        let schema =
            ["timestamp", "level", "target", "message", "thread", "file", "line", "fields"];
        assert_eq!(keys, schema);
    }
}

#[test]
fn zones_show_in_all_formats() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[crate::testing::n(0, 1)]);
    let dumps = [builder.dump()];
    for format in Format::ALL {
        let options = RenderOptions::default().with_zone("Asia/Kolkata".parse().unwrap());
        let mut renderer = Renderer::new(format, options);
        let mut out = String::new();
        let _ = crate::Decoder::new(&dumps).for_each(|entry| {
            assert_eq!(entry.unix_ns(), START);
            renderer.write(entry, &mut out);
            std::ops::ControlFlow::Continue(())
        });
        assert!(out.contains("2026-11-23T04:37:05.000000"), "{out}");
        assert!(out.contains("+05:30"), "{out}");
    }
}

#[test]
fn names_of_formats() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert!("xml".parse::<Format>().is_err());
}
