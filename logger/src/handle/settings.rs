//! Settings: the configuration of a logger as data, from a file of the program's or from the environment.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;

use crate::config::{Compression, Existing, ForkedChild, IfBusy, OnFull, Rings, UnreadRings};
use crate::handle::builder::Builder;

/// Declares the settings: the structure, and each setting by its name.
macro_rules! settings {
    ($(#[$attribute:meta])* pub struct $config:ident { $($(#[$doc:meta])* pub $name:ident: $type:ty,)+ }) => {
        $(#[$attribute])*
        pub struct $config {$(
            $(#[$doc])*
            #[cfg_attr(feature = "serde", serde(with = "as_text", skip_serializing_if = "Option::is_none"))]
            pub $name: Option<$type>,
        )+}

        impl $config {
            /// The names of the settings.
            const NAMES: &[&str] = &[$(stringify!($name)),+];

            fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
                match name {
                    $(stringify!($name) => self.$name = Some(<$type as AsText>::parse(text)?),)+
                    _ => return Err("there is no such setting".to_owned()),
                }
                Ok(())
            }
        }
    };
}

settings! {
    /// The configuration of a logger as data (feature `config`). What is `None` stays as the [`Builder`] has it.
    ///
    /// With the feature `serde` it is `Deserialize` and `Serialize`, so it can be a part of the program's own
    /// configuration file. Each setting is a text: sizes `1MiB` or a number of bytes, durations `100ms`, policies
    /// a word such as `numbered_path`, the mode octal digits such as `640`. Other numbers and
    /// booleans need no quotes. An
    /// unknown name is an error.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let config: stenolog::Config = serde_json::from_str(
    ///     r#"{ "filter": "info", "ring_capacity": "256KiB", "if_busy": "numbered_path" }"#,
    /// )?;
    /// let log = stenolog::Builder::new(path).configure(&config).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
    #[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
    #[non_exhaustive]
    pub struct Config {
        /// The dump: the path of [`Builder::new`].
        pub path: PathBuf,
        /// [`Builder::filter`].
        pub filter: String,
        /// [`Builder::default_filter`].
        pub default_filter: String,
        /// [`Builder::filter_file`].
        pub filter_file: PathBuf,
        /// [`Builder::on_full`]: `drop` or `block`.
        pub on_full: OnFull,
        /// [`Builder::block_timeout`].
        pub block_timeout: Duration,
        /// [`Builder::ring_capacity_bytes`].
        pub ring_capacity: u64,
        /// [`Builder::rings`]: `prefer_files`, `require_files` or `memory`.
        pub rings: Rings,
        /// [`Builder::rings_in`].
        pub rings_in: PathBuf,
        /// [`Builder::prefault`].
        pub prefault: bool,
        /// [`Builder::huge_pages`].
        pub huge_pages: bool,
        /// [`Builder::deliver_within`].
        pub deliver_within: Duration,
        /// [`Builder::compression`]: `adaptive`, `fast` or `none`.
        pub compression: Compression,
        /// [`Builder::drain_core`].
        pub drain_core: usize,
        /// [`Builder::drain_nice`].
        pub drain_nice: i32,
        /// [`Builder::existing`]: `keep` or `replace`.
        pub existing: Existing,
        /// [`Builder::if_busy`]: `error` or `numbered_path`.
        pub if_busy: IfBusy,
        /// [`Builder::unread_rings`]: `recover` or `keep`.
        pub unread_rings: UnreadRings,
        /// [`Builder::forked_child`]: `silent` or `own_dump`.
        pub forked_child: ForkedChild,
        /// [`Builder::mode`], octal.
        pub mode: u32,
        /// [`Builder::capture_panics`], if `true`.
        pub capture_panics: bool,
    }
}

/// A setting that is written as a text.
trait AsText: Sized {
    /// Whether a number that another format has read already is not what was meant: `0o640` is 416 there.
    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "only serde reads numbers"))]
    const IS_OCTAL: bool = false;

    fn parse(text: &str) -> Result<Self, String>;

    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "only serde prints settings"))]
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// Texts of types that have them.
macro_rules! by_display {
    ($($type:ty: $what:literal),+) => {$(
        impl AsText for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("`{text}` is not {}", $what))
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )+};
}

by_display!(bool: "`true` or `false`", usize: "a number", i32: "a number", String: "a text");

impl AsText for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.display(), f)
    }
}

impl AsText for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map_err(|error| format!("`{text}` is not a duration such as `100ms`: {error}"))
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(*self), f)
    }
}

/// A size in bytes.
impl AsText for u64 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse::<ByteSize>()
            .map(|size| size.as_u64())
            .map_err(|error| format!("`{text}` is not a size such as `1MiB`: {error}"))
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Permissions.
impl AsText for u32 {
    const IS_OCTAL: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        Self::from_str_radix(digits, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| format!("`{text}` is not a mode in octal digits such as `640`"))
    }

    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:o}")
    }
}

/// Policies, whose words are their names.
macro_rules! by_words {
    ($($type:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl AsText for $type {
            fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not one of {}", [$(concat!("`", $word, "`")),+].join(", "))),
                }
            }

            fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                })
            }
        }
    )+};
}

by_words! {
    OnFull { Block = "block", Drop = "drop" }
    Rings { PreferFiles = "prefer_files", RequireFiles = "require_files", Memory = "memory" }
    Compression { Adaptive = "adaptive", Fast = "fast", None = "none" }
    Existing { Keep = "keep", Replace = "replace" }
    IfBusy { Error = "error", NumberedPath = "numbered_path" }
    UnreadRings { Recover = "recover", Keep = "keep" }
    ForkedChild { Silent = "silent", OwnDump = "own_dump" }
}

#[cfg(feature = "serde")]
mod as_text {
    //! Settings in serde's data formats.

    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    use super::AsText;

    struct Printed<'a, T>(&'a T);

    impl<T: AsText> fmt::Display for Printed<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.print(f)
        }
    }

    pub(super) fn serialize<T: AsText, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(&Printed(value)),
            None => to.serialize_none(),
        }
    }

    struct Setting<T>(PhantomData<T>);

    impl<'de, T: AsText> Visitor<'de> for Setting<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, a number or a boolean")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            T::parse(text).map(Some).map_err(E::custom)
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
            self.visit_str(if value { "true" } else { "false" })
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
            if T::IS_OCTAL {
                return Err(E::custom("a mode is a text of octal digits, in quotes: \"640\""));
            }
            self.visit_str(&value.to_string())
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
            match u64::try_from(value) {
                Ok(value) => self.visit_u64(value),
                Err(_) => self.visit_str(&value.to_string()),
            }
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            from.deserialize_any(self)
        }
    }

    pub(super) fn deserialize<'de, T: AsText, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        from.deserialize_any(Setting(PhantomData))
    }
}

impl Builder {
    /// Takes all settings that `config` has, as if its methods were called now. See [`Config`] for an example.
    pub fn configure(mut self, config: &Config) -> Self {
        /// Calls the method for a setting that there is.
        macro_rules! take {
            ($($name:ident),+) => {
                $(if let Some(value) = config.$name.clone() { self = self.$name(value); })+
            };
        }
        if let Some(path) = &config.path {
            self.config.path.clone_from(path);
        }
        take!(
            filter,
            default_filter,
            filter_file,
            on_full,
            block_timeout,
            rings,
            rings_in,
            prefault
        );
        take!(huge_pages, deliver_within, compression, drain_core, drain_nice, existing, if_busy);
        take!(unread_rings, forked_child, mode);
        if let Some(bytes) = config.ring_capacity {
            self = self.ring_capacity_bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if let Some(is_wanted) = config.capture_panics {
            self.config.capture_panics = is_wanted;
        }
        self
    }

    /// Takes settings from environment variables, named `STENOLOG_` and the setting in capitals:
    /// `STENOLOG_RING_CAPACITY=4MiB`, `STENOLOG_RINGS_IN=/var/lib/app`. What they say replaces what was set before
    /// this call.
    ///
    /// A variable that cannot be parsed is [reported](crate::Event::SettingIgnored) when the logger starts, and ignored.
    /// The filter is in `STENOLOG` itself, and needs no call: see [`filter`](Self::filter).
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).configure_from_env().start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn configure_from_env(mut self) -> Self {
        let mut config = Config::default();
        for name in Config::NAMES {
            let variable = format!("STENOLOG_{}", name.to_uppercase());
            let Some(value) = std::env::var_os(&variable) else { continue };
            let text = value.to_string_lossy().into_owned();
            let set = match value.to_str() {
                Some(text) => config.set(name, text),
                None => Err("it is no Unicode text".to_owned()),
            };
            if let Err(reason) = set {
                self.ignored.push((variable, text, reason));
            }
        }
        self.configure(&config)
    }
}
