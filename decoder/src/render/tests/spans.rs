//! Events of spans, and spans in each format.

use std::ops::ControlFlow;

use stenolog_testkit::{SpanBlocks, SpanProgram};

use crate::testing::Open as _;
use crate::{Decoder, Entry, FieldMatch, Filter, Format, Level, Levels, RenderOptions, Renderer};

/// A request with a query, in two threads.
fn program() -> SpanProgram {
    let mut program = SpanProgram::new(SpanBlocks::Packed);
    program.request(1, 1, 0, "/a b");
    program.enter(1, 1);
    program.log(1, 5);
    program.query(1, 2, 7);
    program.log(1, 6);
    program.exit_close(1, 2);
    program.record(1, 1, 200);
    program.follows(1, 1, 9);
    program.exit(1, 1);
    program.enter(2, 1);
    program.log(2, 8);
    program.exit(2, 1);
    program.close(2, 1);
    program.log_of(2, 77, 9);
    program.flush();
    program
}

fn shown(format: Format, spans: bool, filter: Filter) -> String {
    let options = RenderOptions::default();
    let mut decoder =
        Decoder::new(program().dump.dump()).with_filter(filter).with_span_events(spans);
    let mut out = Vec::new();
    decoder
        .write_to(&mut out, format, &options.with_threads(std::num::NonZero::new(3).unwrap()))
        .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_format_shows_the_spans_of_a_record() {
    insta::assert_snapshot!(shown(Format::Short, false, Filter::default()), @r#"
    2026-11-22T23:07:05.000000Z  INFO main app: request{path="/a b"}: n 5
    2026-11-22T23:07:05.000000Z  INFO main app: request{path="/a b"}:query{n=7}: n 6
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app: request{path="/a b" status=200}: n 8
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app: #77: of 9
    "#);
    insta::assert_snapshot!(shown(Format::Json, false, Filter::default()), @r#"
    {"timestamp":"2026-11-22T23:07:05.000000030Z","level":"INFO","target":"app","message":"n 5","thread":"main","file":"src/main.rs","line":16,"fields":{"n":5},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}}]}
    {"timestamp":"2026-11-22T23:07:05.000000050Z","level":"INFO","target":"app","message":"n 6","thread":"main","file":"src/main.rs","line":16,"fields":{"n":6},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}]}
    {"timestamp":"2026-11-22T23:07:05.000000110Z","level":"INFO","target":"app","message":"n 8","thread":"thread-1235","file":"src/main.rs","line":16,"fields":{"n":8},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}]}
    {"timestamp":"2026-11-22T23:07:05.000000140Z","level":"INFO","target":"app","message":"of 9","thread":"thread-1235","file":"src/main.rs","line":48,"fields":{"n":9},"spans":[{"id":77}]}
    "#);
    insta::assert_snapshot!(shown(Format::Logfmt, false, Filter::default()), @r#"
    time=2026-11-22T23:07:05.000000030Z level=INFO target=app thread=main msg="n 5" n=5 spans="request{path=\"/a b\"}"
    time=2026-11-22T23:07:05.000000050Z level=INFO target=app thread=main msg="n 6" n=6 spans="request{path=\"/a b\"}:query{n=7}"
    time=2026-11-22T23:07:05.000000110Z level=INFO target=app thread=thread-1235 msg="n 8" n=8 spans="request{path=\"/a b\" status=200}"
    time=2026-11-22T23:07:05.000000140Z level=INFO target=app thread=thread-1235 msg="of 9" n=9 spans=#77
    "#);
    insta::assert_snapshot!(shown(Format::Csv, false, Filter::default()), @r#"
    timestamp,level,target,thread,file,line,message,fields
    2026-11-22T23:07:05.000000030Z,INFO,app,main,src/main.rs,16,"request{path=""/a b""}: n 5","{""n"":5}"
    2026-11-22T23:07:05.000000050Z,INFO,app,main,src/main.rs,16,"request{path=""/a b""}:query{n=7}: n 6","{""n"":6}"
    2026-11-22T23:07:05.000000110Z,INFO,app,thread-1235,src/main.rs,16,"request{path=""/a b"" status=200}: n 8","{""n"":8}"
    2026-11-22T23:07:05.000000140Z,INFO,app,thread-1235,src/main.rs,48,#77: of 9,"{""n"":9}"
    "#);
    let in_query = Filter::default().with_field(FieldMatch::new("span.n", "7"));
    insta::assert_snapshot!(shown(Format::Verbose, false, in_query), @r#"
    2026-11-22T23:07:05.000000050Z  INFO main app: request{path="/a b"}:query{n=7}: n 6
        at src/main.rs:16:5 in app
        thread main 1234 (ring 1, record 4)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
        n: u32 = 6
    "#);
}

#[test]
fn events_of_spans_are_lines_if_asked_for() {
    insta::assert_snapshot!(shown(Format::Short, true, Filter::default()), @r#"
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}: new
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}: enter
    2026-11-22T23:07:05.000000Z  INFO main app: request{path="/a b"}: n 5
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}:query{n=7}: new
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}:query{n=7}: enter
    2026-11-22T23:07:05.000000Z  INFO main app: request{path="/a b"}:query{n=7}: n 6
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}:query{n=7}: exit
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}:query{n=7}: close busy=20ns total=20ns
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b"}: record status=200
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b" status=200}: follows follows_from=9
    2026-11-22T23:07:05.000000Z  INFO main app::http: request{path="/a b" status=200}: exit
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app::http: request{path="/a b" status=200}: enter
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app: request{path="/a b" status=200}: n 8
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app::http: request{path="/a b" status=200}: exit
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app::http: request{path="/a b" status=200}: close busy=90ns total=120ns
    2026-11-22T23:07:05.000000Z  INFO thread-1235 app: #77: of 9
    "#);
    insta::assert_snapshot!(shown(Format::Json, true, Filter::default()), @r#"
    {"timestamp":"2026-11-22T23:07:05.000000010Z","level":"INFO","target":"app::http","message":"new","thread":"main","file":"src/main.rs","line":40,"fields":{"path":"/a b"},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}}],"span_event":"new"}
    {"timestamp":"2026-11-22T23:07:05.000000020Z","level":"INFO","target":"app::http","message":"enter","thread":"main","file":"src/main.rs","line":40,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}}],"span_event":"enter"}
    {"timestamp":"2026-11-22T23:07:05.000000030Z","level":"INFO","target":"app","message":"n 5","thread":"main","file":"src/main.rs","line":16,"fields":{"n":5},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}}]}
    {"timestamp":"2026-11-22T23:07:05.000000040Z","level":"INFO","target":"app::http","message":"new","thread":"main","file":"src/main.rs","line":41,"fields":{"n":7},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}],"span_event":"new"}
    {"timestamp":"2026-11-22T23:07:05.000000040Z","level":"INFO","target":"app::http","message":"enter","thread":"main","file":"src/main.rs","line":41,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}],"span_event":"enter"}
    {"timestamp":"2026-11-22T23:07:05.000000050Z","level":"INFO","target":"app","message":"n 6","thread":"main","file":"src/main.rs","line":16,"fields":{"n":6},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}]}
    {"timestamp":"2026-11-22T23:07:05.000000060Z","level":"INFO","target":"app::http","message":"exit","thread":"main","file":"src/main.rs","line":41,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}],"span_event":"exit"}
    {"timestamp":"2026-11-22T23:07:05.000000060Z","level":"INFO","target":"app::http","message":"close","thread":"main","file":"src/main.rs","line":41,"fields":{"busy":0.00000002,"total":0.00000002},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}},{"name":"query","id":2,"fields":{"n":7}}],"span_event":"close"}
    {"timestamp":"2026-11-22T23:07:05.000000070Z","level":"INFO","target":"app::http","message":"record","thread":"main","file":"src/main.rs","line":40,"fields":{"status":200},"spans":[{"name":"request","id":1,"fields":{"path":"/a b"}}],"span_event":"record"}
    {"timestamp":"2026-11-22T23:07:05.000000080Z","level":"INFO","target":"app::http","message":"follows","thread":"main","file":"src/main.rs","line":40,"fields":{"follows_from":9},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}],"span_event":"follows"}
    {"timestamp":"2026-11-22T23:07:05.000000090Z","level":"INFO","target":"app::http","message":"exit","thread":"main","file":"src/main.rs","line":40,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}],"span_event":"exit"}
    {"timestamp":"2026-11-22T23:07:05.000000100Z","level":"INFO","target":"app::http","message":"enter","thread":"thread-1235","file":"src/main.rs","line":40,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}],"span_event":"enter"}
    {"timestamp":"2026-11-22T23:07:05.000000110Z","level":"INFO","target":"app","message":"n 8","thread":"thread-1235","file":"src/main.rs","line":16,"fields":{"n":8},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}]}
    {"timestamp":"2026-11-22T23:07:05.000000120Z","level":"INFO","target":"app::http","message":"exit","thread":"thread-1235","file":"src/main.rs","line":40,"fields":{},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}],"span_event":"exit"}
    {"timestamp":"2026-11-22T23:07:05.000000130Z","level":"INFO","target":"app::http","message":"close","thread":"thread-1235","file":"src/main.rs","line":40,"fields":{"busy":0.00000009,"total":0.00000012},"spans":[{"name":"request","id":1,"fields":{"path":"/a b","status":200}}],"span_event":"close"}
    {"timestamp":"2026-11-22T23:07:05.000000140Z","level":"INFO","target":"app","message":"of 9","thread":"thread-1235","file":"src/main.rs","line":48,"fields":{"n":9},"spans":[{"id":77}]}
    "#);
}

#[test]
fn events_are_filtered_as_records_are() {
    let of_query = || Filter::default().with_field(FieldMatch::new("span.name", "query"));
    insta::assert_snapshot!(shown(Format::Logfmt, true, of_query()), @r#"
    time=2026-11-22T23:07:05.000000040Z level=INFO target=app::http thread=main msg=new n=7 span_event=new spans="request{path=\"/a b\"}:query{n=7}"
    time=2026-11-22T23:07:05.000000040Z level=INFO target=app::http thread=main msg=enter span_event=enter spans="request{path=\"/a b\"}:query{n=7}"
    time=2026-11-22T23:07:05.000000050Z level=INFO target=app thread=main msg="n 6" n=6 spans="request{path=\"/a b\"}:query{n=7}"
    time=2026-11-22T23:07:05.000000060Z level=INFO target=app::http thread=main msg=exit span_event=exit spans="request{path=\"/a b\"}:query{n=7}"
    time=2026-11-22T23:07:05.000000060Z level=INFO target=app::http thread=main msg=close busy=20ns total=20ns span_event=close spans="request{path=\"/a b\"}:query{n=7}"
    "#);
    insta::assert_snapshot!(shown(Format::Csv, true, of_query()), @r#"
    timestamp,level,target,thread,file,line,message,fields
    2026-11-22T23:07:05.000000040Z,INFO,app::http,main,src/main.rs,41,"request{path=""/a b""}:query{n=7}: new","{""n"":7}"
    2026-11-22T23:07:05.000000040Z,INFO,app::http,main,src/main.rs,41,"request{path=""/a b""}:query{n=7}: enter",{}
    2026-11-22T23:07:05.000000050Z,INFO,app,main,src/main.rs,16,"request{path=""/a b""}:query{n=7}: n 6","{""n"":6}"
    2026-11-22T23:07:05.000000060Z,INFO,app::http,main,src/main.rs,41,"request{path=""/a b""}:query{n=7}: exit",{}
    2026-11-22T23:07:05.000000060Z,INFO,app::http,main,src/main.rs,41,"request{path=""/a b""}:query{n=7}: close busy=20ns total=20ns","{""busy"":0.00000002,""total"":0.00000002}"
    "#);
    insta::assert_snapshot!(shown(Format::Verbose, true, of_query()), @r#"
    2026-11-22T23:07:05.000000040Z  INFO main app::http: request{path="/a b"}:query{n=7}: new
        thread main 1234 (ring 1, record 3)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
    2026-11-22T23:07:05.000000040Z  INFO main app::http: request{path="/a b"}:query{n=7}: enter
        thread main 1234 (ring 1, record 3)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
    2026-11-22T23:07:05.000000050Z  INFO main app: request{path="/a b"}:query{n=7}: n 6
        at src/main.rs:16:5 in app
        thread main 1234 (ring 1, record 4)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
        n: u32 = 6
    2026-11-22T23:07:05.000000060Z  INFO main app::http: request{path="/a b"}:query{n=7}: exit
        thread main 1234 (ring 1, record 5)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
    2026-11-22T23:07:05.000000060Z  INFO main app::http: request{path="/a b"}:query{n=7}: close busy=20ns total=20ns
        thread main 1234 (ring 1, record 5)
        in query (span 2) at src/main.rs:41 in app::http
        in request (span 1) at src/main.rs:40 in app::http
    "#);
}

#[test]
fn filters_take_the_level_and_the_target_of_the_span() {
    let all = shown(Format::Short, true, Filter::default());
    let info = Filter::default().with_levels(Levels::at_least(Level::Info));
    assert_eq!(shown(Format::Short, true, info), all);
    let warn = Filter::default().with_levels(Levels::at_least(Level::Warn));
    assert_eq!(shown(Format::Short, true, warn), "");
    let http = shown(Format::Short, true, Filter::default().with_target("app::http"));
    assert!(http.lines().all(|line| line.contains(" app::http: ")), "{http}");
    assert_eq!(
        http.lines().count(),
        all.lines().filter(|line| line.contains(" app::http: ")).count()
    );
    let words = Filter::default().with_target("stenolog::span");
    assert_eq!(shown(Format::Short, true, words), "");
}

#[test]
fn events_are_entries_of_their_own() {
    let mut kinds = Vec::new();
    let mut decoder = Decoder::new(program().dump.dump()).with_span_events(true);
    let _ = decoder.for_each(|entry| {
        if let Entry::Span(event) = entry {
            let name = event.span().and_then(|span| span.name());
            kinds.push(format!("{:?} {} {:?}", event.kind(), name.unwrap(), event.follows_from()));
            assert_eq!(entry.level(), Level::Info);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(
        kinds,
        [
            "New request None",
            "Enter request None",
            "NewEntered query None",
            "ExitClose query None",
            "Record request None",
            "Follows request Some(9)",
            "Exit request None",
            "Enter request None",
            "Exit request None",
            "Close request None",
        ]
    );
}

#[test]
fn colours_are_around_the_names_of_spans() {
    let options = RenderOptions::default().with_color(true);
    let mut renderer = Renderer::new(Format::Short, options);
    let mut decoder = Decoder::new(program().dump.dump());
    let mut out = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut out);
        ControlFlow::Break(())
    });
    assert!(out.contains("\u{1b}[1mrequest\u{1b}[0m{path=\"/a b\"}: n 5"), "{out:?}");
}

#[test]
fn fields_that_are_too_long_for_json_are_left_out_and_it_says_so() {
    let mut program = SpanProgram::new(SpanBlocks::Packed);
    program.request(1, 1, 0, &"x".repeat(100_000));
    program.enter(1, 1);
    // Each gives the span another state, which has the path too.
    for status in 0..2000 {
        program.record(1, 1, status);
    }
    program.log(1, 5);
    program.flush();
    let mut decoder = Decoder::new(program.dump.dump());
    let mut out = Vec::new();
    decoder.write_to(&mut out, Format::Json, &RenderOptions::default()).unwrap();
    let out = String::from_utf8(out).unwrap();
    let spans = r#""spans":[{"name":"request","id":1,"fields":{"status":1999},"cut":true}]}"#;
    assert!(out.trim_end().ends_with(spans), "{}", out.len());
}
