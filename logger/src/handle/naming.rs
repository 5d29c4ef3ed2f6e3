//! Names of dumps with placeholders: `{app}`, `{pid}` and `{host}`.

use std::path::{Path, PathBuf};

use crate::error::StartError;

/// The path with its placeholders replaced, whose folder exists.
///
/// # Errors
/// If a placeholder is unknown, or if the folder cannot be created.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, StartError> {
    let path = expand(path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|source| StartError::Folder {
            path: path.clone(),
            folder: folder.to_owned(),
            source,
        })?;
    }
    Ok(path)
}

fn expand(path: &Path) -> Result<PathBuf, StartError> {
    // Placeholders are text; a path that is not has none.
    let Some(text) = path.to_str().filter(|text| text.contains('{')) else {
        return Ok(path.to_owned());
    };
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        expanded.push_str(before);
        let (name, after) =
            after.split_once('}').map_or((after, None), |(name, after)| (name, Some(after)));
        let (Some(value), Some(after)) = (value(name), after) else {
            return Err(StartError::Placeholder { path: path.to_owned(), name: name.to_owned() });
        };
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded.into())
}

fn value(name: &str) -> Option<String> {
    match name {
        "app" => Some(as_name(app())),
        "host" => Some(as_name(host())),
        "pid" => Some(std::process::id().to_string()),
        _ => None,
    }
}

/// The name of the program's file, without its extension.
fn app() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.file_stem()?.to_string_lossy().into_owned())
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname();
    Some(name.nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    ["COMPUTERNAME", "HOSTNAME"].iter().find_map(|name| std::env::var(name).ok())
}

/// A text as a part of a file name.
fn as_name(text: Option<String>) -> String {
    let text = text.unwrap_or_default();
    let of = |char: char| match char {
        '/' | '\\' | ':' | '\0' => '_',
        char => char,
    };
    match text.chars().map(of).collect::<String>() {
        empty if empty.is_empty() => "unknown".to_owned(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced() {
        let pid = std::process::id();
        let expanded = expand(Path::new("logs/{pid}/a-{pid}.steno")).unwrap();
        assert_eq!(expanded, PathBuf::from(format!("logs/{pid}/a-{pid}.steno")));
        let plain = Path::new("logs/app.steno");
        assert_eq!(expand(plain).unwrap(), plain);
        let all = expand(Path::new("{app}.{host}.steno")).unwrap();
        let all = all.to_str().unwrap();
        assert!(all.starts_with("stenolog-") && !all.contains(['{', '/']), "{all}");
    }

    #[test]
    fn unknown_placeholders_are_errors() {
        for (path, name) in [("{apps}.steno", "apps"), ("a{}.steno", ""), ("a{app", "app")] {
            let text = expand(Path::new(path)).unwrap_err().to_string();
            assert!(text.contains(&format!("`{{{name}}}`")), "{text}");
        }
    }

    #[test]
    fn names_of_hosts_are_names_of_files() {
        assert_eq!(as_name(Some("a/b:c".into())), "a_b_c");
        assert_eq!(as_name(None), "unknown");
    }
}
