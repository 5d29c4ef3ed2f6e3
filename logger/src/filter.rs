//! Which records are wanted, by target and level.

use log::{LevelFilter, Metadata};
use stenolog_format::dictionary::Level;

/// Directives in the language of `RUST_LOG`: `info,my_crate::net=trace,noisy=off`.
#[derive(Debug)]
pub(crate) struct Filter {
    directives: env_filter::Filter,
}

/// A filter that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "the filter `{text}` is not understood: {reason} (it should look like `info,my_crate::net=trace`)"
)]
pub struct FilterError {
    text: String,
    reason: String,
}

impl Filter {
    pub(crate) fn everything() -> Self {
        let directives = env_filter::Builder::new().filter_level(LevelFilter::Trace).build();
        Self { directives }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        let error = |reason: String| FilterError { text: text.to_owned(), reason };
        if text.contains('/') {
            return Err(error("messages cannot be filtered before they are formatted".to_owned()));
        }
        let mut builder = env_filter::Builder::new();
        builder.try_parse(text).map_err(|source| error(source.to_string()))?;
        Ok(Self { directives: builder.build() })
    }

    /// Parses what an environment variable holds; `None` if it is unset or empty.
    pub(crate) fn from_env(name: &str) -> Option<Result<Self, FilterError>> {
        let text = std::env::var(name).ok()?;
        (!text.trim().is_empty()).then(|| Self::parse(&text))
    }

    pub(crate) fn allows(&self, level: Level, target: &str) -> bool {
        let level = match level {
            Level::Error => log::Level::Error,
            Level::Warn => log::Level::Warn,
            Level::Info => log::Level::Info,
            Level::Debug => log::Level::Debug,
            Level::Trace => log::Level::Trace,
        };
        self.directives.enabled(&Metadata::builder().level(level).target(target).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_go_by_target_and_level() {
        let filter = Filter::parse("warn,app=info,app::net=trace,noisy=off").unwrap();
        assert!(filter.allows(Level::Trace, "app::net::tcp"));
        assert!(filter.allows(Level::Info, "app::disk"));
        assert!(!filter.allows(Level::Debug, "app::disk"));
        assert!(filter.allows(Level::Warn, "other"));
        assert!(!filter.allows(Level::Info, "other"));
        assert!(!filter.allows(Level::Error, "noisy"));
    }

    #[test]
    fn what_is_no_filter_is_named() {
        let error = Filter::parse("app=loud").unwrap_err().to_string();
        assert!(error.contains("app=loud"), "{error}");
        assert!(Filter::parse("info/needle").is_err());
    }
}
