//! Sites: the macro that declares call sites once, for Stenolog and for loggers of text.

/// Declares call sites as an enum: a variant is a call site, and its fields are what the call logs.
///
/// `Variant { field: Type } level "target" [key = value, …] "message {field}";`
///
/// `log` and `log_at` call Stenolog's macros, each variant at a call site of its own. `Display` writes the
/// same message and fields, for loggers that take text.
macro_rules! sites {
    ($(#[$doc:meta])* $name:ident {$(
        $variant:ident { $($field:ident: $type:ty),* $(,)? }
        $level:ident $target:literal [$($key:ident = $value:expr),* $(,)?] $message:literal;
    )*}) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub enum $name {
            $($variant { $($field: $type),* },)*
        }

        impl $name {
            /// How many call sites these are.
            pub const COUNT: usize = [$(stringify!($variant)),*].len();

            /// Logs it now.
            pub fn log(&self) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        stenolog::$level!(target: $target, $($key = $value,)* $message);
                    })*
                }
            }

            /// Logs it with a time of the caller's, in nanoseconds since the Unix epoch.
            pub fn log_at(&self, at: u64) {
                match self {
                    $(Self::$variant { $($field),* } => {
                        stenolog::$level!(target: $target, at: at, $($key = $value,)* $message);
                    })*
                }
            }

            /// Reads a byte of each cache line of its texts: what no call can do without.
            #[must_use]
            pub fn touch(&self) -> usize {
                match self {
                    $(Self::$variant { $($field),* } => 0 $(+ $crate::touch::Touch::touch($field))*,)*
                }
            }

            /// The number of the call site among these.
            #[must_use]
            pub fn site(&self) -> usize {
                let mut site = 0;
                $(
                    if matches!(self, Self::$variant { .. }) {
                        return site;
                    }
                    site += 1;
                )*
                site
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant { $($field),* } => {
                        write!(f, $message)?;
                        $(write!(f, concat!(" ", stringify!($key), "={:?}"), $value)?;)*
                    })*
                }
                Ok(())
            }
        }
    };
}

pub(crate) use sites;
