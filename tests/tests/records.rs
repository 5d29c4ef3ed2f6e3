//! `#[derive(Record)]` records what its attributes say, and nothing of what they keep back; no name of
//! the caller's is in its way.

use std::cell::RefCell;
use std::sync::{Mutex, RwLock};

use serde_json::{Value, json};
use stenolog::{Record, info};
use stenolog_tests::LogFixture;

/// The fields of the only record.
#[track_caller]
fn only_fields(fixture: &mut LogFixture) -> Value {
    let records = fixture.finish();
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    record["fields"].clone()
}

/// Cannot be recorded, nor printed.
#[derive(Clone)]
struct Opaque;

#[test]
fn what_is_redacted_is_not_in_the_dump() {
    #[expect(dead_code, reason = "redacted values are never read")]
    #[derive(Debug, Clone, Record)]
    struct Login {
        user: String,
        #[record(redact)]
        password: String,
        #[record(redact, rename = "token")]
        session_token: Option<[u8; 8]>,
    }
    #[expect(dead_code, reason = "redacted values are never read")]
    #[derive(Debug, Clone, Record)]
    enum Secret {
        Unnamed(u8, #[record(redact)] String),
        Named {
            #[record(redact)]
            pin: &'static str,
        },
        Only(#[record(redact)] String),
    }
    let mut fixture = LogFixture::with(|builder| builder.compression(stenolog::Compression::None));
    let login = Login {
        user: "ann".into(),
        password: "hunter2hunter2".into(),
        session_token: Some(*b"hunter3!"),
    };
    let secrets = [
        Secret::Unnamed(1, "hunter4hunter4".into()),
        Secret::Named { pin: "hunter5hunter5" },
        Secret::Only("hunter6hunter6".into()),
    ];
    info!(
        login,
        some = Some(&login),
        secrets = secrets.as_slice(),
        "{:?} {:?} {:#?}",
        login,
        secrets,
        secrets[1]
    );
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    let shown = "Login { user: \"ann\", password: [redacted], token: [redacted] }";
    assert_eq!(
        stenolog_tests::message(&records[0]),
        format!(
            "{shown} [Unnamed(1, [redacted]), Named {{ pin: [redacted] }}, Only([redacted])] \
             Named {{\n    pin: [redacted],\n}}"
        )
    );
    let login = json!({"user": "ann", "password": "[redacted]", "token": "[redacted]"});
    let fields = &records[0]["fields"];
    assert_eq!(fields["login"], login);
    assert_eq!(fields["some"], login);
    assert_eq!(
        fields["secrets"],
        json!([
            {"Unnamed": [1, "[redacted]"]},
            {"Named": {"pin": "[redacted]"}},
            {"Only": "[redacted]"},
        ])
    );
    let dump = std::fs::read(path).unwrap();
    assert!(!dump.windows(6).any(|bytes| bytes == b"hunter"), "a secret is in the dump");
    assert!(!dump.windows(13).any(|bytes| bytes == b"session_token"));
}

#[test]
fn what_is_redacted_is_so_behind_what_std_has_around_it() {
    #[expect(dead_code, reason = "redacted values are never read")]
    #[derive(Debug, Clone, Record)]
    struct Login(#[record(redact)] &'static str);
    let mut fixture = LogFixture::with(|builder| builder.compression(stenolog::Compression::None));
    let login = Login("hunter2");
    let outcomes: [Result<Login, Login>; 2] = [Ok(login.clone()), Err(login.clone())];
    let (cell, mutex) = (RefCell::new(login.clone()), Mutex::new(login.clone()));
    let (shared, pinned) = (RwLock::new(login.clone()), Box::pin(login));
    let guard = mutex.lock().unwrap();
    info!(ok = ?outcomes[0], err = outcomes[1], ?outcomes, "{:?} {:#?}", outcomes[0], outcomes[1]);
    info!(cell = ?cell.borrow(), "{:?}", cell.borrow());
    info!(cell = ?cell.borrow_mut(), ?guard, ?pinned, "{guard:?} {pinned:?}");
    info!(read = ?shared.read().unwrap(), some = Some(&pinned));
    info!(write = ?shared.write().unwrap());
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    let (mark, fields) = ("Login([redacted])", &records[0]["fields"]);
    assert_eq!(
        stenolog_tests::message(&records[0]),
        format!("Ok({mark}) Err(\n    Login(\n        [redacted],\n    ),\n)")
    );
    assert_eq!(fields["ok"], json!({"Ok": "[redacted]"}));
    assert_eq!(fields["err"], json!({"Err": "[redacted]"}));
    assert_eq!(fields["outcomes"], json!([{"Ok": "[redacted]"}, {"Err": "[redacted]"}]));
    assert_eq!(stenolog_tests::message(&records[1]), mark);
    assert_eq!(stenolog_tests::message(&records[2]), format!("{mark} {mark}"));
    assert_eq!(records[3]["fields"], json!({"read": "[redacted]", "some": "[redacted]"}));
    let dump = std::fs::read(path).unwrap();
    assert!(!dump.windows(6).any(|bytes| bytes == b"hunter"), "a secret is in the dump");
}

#[test]
fn what_is_skipped_is_not_there() {
    #[derive(Record)]
    struct Cached<T> {
        id: u8,
        #[record(skip)]
        _cache: Opaque,
        #[record(skip)]
        _rest: T,
    }
    #[derive(Record)]
    struct Pair(#[record(skip)] Opaque, &'static str);
    #[derive(Record)]
    struct Nothing {
        #[record(skip)]
        _all: Opaque,
    }
    #[derive(Record)]
    enum Side {
        Named {
            #[record(skip)]
            _cache: Opaque,
            b: u8,
        },
        Unnamed(u8, #[record(skip)] Opaque, u8),
        None(#[record(skip)] Opaque),
    }
    let mut fixture = LogFixture::new();
    info!(
        cached = Cached { id: 1, _cache: Opaque, _rest: Opaque },
        pair = Pair(Opaque, "x"),
        nothing = Nothing { _all: Opaque },
        named = Side::Named { _cache: Opaque, b: 2 },
        unnamed = Side::Unnamed(3, Opaque, 4),
        none = Side::None(Opaque),
    );
    assert_eq!(
        only_fields(&mut fixture),
        json!({
            "cached": {"id": 1},
            "pair": "x",
            "nothing": {},
            "named": {"Named": {"b": 2}},
            "unnamed": {"Unnamed": [3, 4]},
            "none": {"None": []},
        })
    );
}

#[test]
fn fields_have_the_names_that_they_are_given() {
    #[derive(Debug, Record)]
    struct Peer {
        #[record(rename = "ip")]
        address: u8,
        #[record(rename = "with space")]
        r#type: u8,
        #[record(skip)]
        _ip: u8,
    }
    let mut fixture = LogFixture::new();
    let peer = Peer { address: 1, r#type: 2, _ip: 3 };
    info!(peer, "{:?}", peer);
    let records = fixture.finish();
    assert_eq!(records[0]["fields"]["peer"], json!({"ip": 1, "with space": 2}));
    assert_eq!(stenolog_tests::message(&records[0]), "Peer { ip: 1, with space: 2 }");
}

#[test]
fn types_that_name_themselves_are_not_recursive() {
    trait Kind {
        type Id;
        const LEN: usize;
    }
    #[derive(Debug, Record)]
    struct Order {
        id: <Self as Kind>::Id,
        mac: [u8; Self::LEN],
        old: [u8; <Order as Kind>::LEN],
        parent: Option<<Order as Kind>::Id>,
    }
    impl Order {
        const LEN: usize = 2;
    }
    impl Kind for Order {
        type Id = u64;
        const LEN: usize = 1;
    }
    #[derive(Debug, Record)]
    struct Tagged<T: Kind> {
        tag: T::Id,
        #[record(skip)]
        _of: std::marker::PhantomData<T>,
    }
    let mut fixture = LogFixture::new();
    let order = Order { id: 1, mac: [2, 3], old: [4], parent: None };
    let tagged = Tagged::<Order> { tag: 5, _of: std::marker::PhantomData };
    info!(tagged, order, "{:?}", order);
    let records = fixture.finish();
    let fields = json!({"id": 1, "mac": [2, 3], "old": [4], "parent": null});
    assert_eq!(records[0]["fields"]["order"], fields);
    assert_eq!(records[0]["fields"]["tagged"], json!({"tag": 5}));
    assert_eq!(stenolog_tests::message(&records[0]), format!("{order:?}"));
}

/// More fields than the compiler nests types by default.
#[test]
fn structs_of_many_fields_are_recorded() {
    macro_rules! wide {
        ($($field:ident)+) => {
            #[derive(Record)]
            struct Wide { $($field: u16,)+ }

            impl Wide {
                const fn new() -> Self {
                    Self { $($field: 7,)+ }
                }
            }
        };
    }
    wide! {
        f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24
        f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39 f40 f41 f42 f43 f44 f45 f46 f47
        f48 f49 f50 f51 f52 f53 f54 f55 f56 f57 f58 f59 f60 f61 f62 f63 f64 f65 f66 f67 f68 f69 f70
        f71 f72 f73 f74 f75 f76 f77 f78 f79 f80 f81 f82 f83 f84 f85 f86 f87 f88 f89 f90 f91 f92 f93
        f94 f95 f96 f97 f98 f99 f100 f101 f102 f103 f104 f105 f106 f107 f108 f109 f110 f111 f112
        f113 f114 f115 f116 f117 f118 f119 f120 f121 f122 f123 f124 f125 f126 f127 f128 f129 f130
        f131 f132 f133 f134 f135 f136 f137 f138 f139 f140 f141 f142 f143 f144 f145 f146 f147 f148
        f149 f150 f151 f152 f153 f154 f155 f156 f157 f158 f159 f160 f161 f162 f163 f164 f165 f166
        f167 f168 f169 f170 f171 f172 f173 f174 f175 f176 f177 f178 f179 f180 f181 f182 f183 f184
        f185 f186 f187 f188 f189 f190 f191 f192 f193 f194 f195 f196 f197 f198 f199 f200 f201 f202
        f203 f204 f205 f206 f207 f208 f209 f210 f211 f212 f213 f214 f215 f216 f217 f218 f219 f220
        f221 f222 f223 f224 f225 f226 f227 f228 f229 f230 f231 f232 f233 f234 f235 f236 f237 f238
        f239 f240 f241 f242 f243 f244 f245 f246 f247 f248 f249 f250 f251 f252 f253 f254 f255 f256
        f257 f258 f259 f260 f261 f262 f263 f264 f265 f266 f267 f268 f269 f270 f271 f272 f273 f274
        f275 f276 f277 f278 f279 f280 f281 f282 f283 f284 f285 f286 f287 f288 f289 f290 f291 f292
        f293 f294 f295 f296 f297 f298 f299
    }
    let mut fixture = LogFixture::new();
    info!(wide = Wide::new());
    let fields = only_fields(&mut fixture);
    let wide = fields["wide"].as_object().unwrap();
    assert_eq!(wide.len(), 300);
    assert!(wide.values().all(|value| *value == 7));
}

/// Names of the caller's that an expansion might mean to use.
mod names {
    #![allow(
        non_upper_case_globals,
        non_camel_case_types,
        dead_code,
        reason = "that is what this is about"
    )]

    pub(super) const f0: u8 = 1;
    pub(super) const x: u8 = 2;
    pub(super) const out: u8 = 3;
    pub(super) static size: u8 = 4;
    pub(super) const value: u8 = 5;
    pub(super) struct index;
    pub(super) struct Option;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Sized;
    pub(super) struct usize;
    pub(super) struct u64;
    pub(super) struct u8_;
    pub(super) struct bool;
    pub(super) struct str;
    pub(super) struct Value;
    pub(super) struct Type;
    pub(super) trait AsRecord {}
    pub(super) mod core {}
    pub(super) mod std {}

    pub(super) mod inner {
        #[expect(unused_imports, reason = "the derive must not see what this brings in")]
        use super::*;

        pub(in super::super) type Word = ::core::primitive::u64;
        pub(in super::super) struct u8;

        #[derive(stenolog::Record)]
        pub(in super::super) struct Named<'a, T> {
            pub f0: Word,
            pub x: &'a T,
            #[record(redact)]
            pub out: Opaque,
        }

        #[derive(stenolog::Record)]
        pub(in super::super) enum Any<T> {
            Named { x: Word, f0: T, size: i8 },
            Unnamed(Word, #[record(redact)] Opaque, Word),
            Some,
            None,
        }

        pub(in super::super) struct Opaque;
    }
}

#[test]
fn no_name_of_the_callers_is_in_the_way() {
    use names::inner::{Any, Named, Opaque};

    let mut fixture = LogFixture::new();
    info!(
        named = Named { f0: 1, x: &"x", out: Opaque },
        a = Any::Named { x: 1, f0: "f", size: -1 },
        b = Any::<char>::Unnamed(1, Opaque, 2),
        c = [Any::<char>::Some, Any::None],
    );
    assert_eq!(
        only_fields(&mut fixture),
        json!({
            "named": {"f0": 1, "x": "x", "out": "[redacted]"},
            "a": {"Named": {"x": 1, "f0": "f", "size": -1}},
            "b": {"Unnamed": [1, "[redacted]", 2]},
            "c": ["Some", "None"],
        })
    );
}
