//! The start of a logger.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_utils::sync::Parker;
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::writer_folders;

use crate::config::{Existing, ForkedChild, IfBusy, Rings, UnreadRings};
use crate::core::{Core, OWN_TARGET};
use crate::drain::{self, Drain, DumpFile, SegmentFile};
use crate::error::StartError;
use crate::event::{Event, Listeners};
use crate::filter::{Filter, FromEnv, Ignored};
use crate::handle::builder::Builder;
use crate::handle::fork::{self, OwnLogger, StartChild};
use crate::handle::logger::Logger;
use crate::handle::naming;
use crate::handle::recovery::{EarlierRun, finish_earlier, remove_tails};
use crate::registry;
use crate::ring_dir::{Removed, sweep};

impl Builder {
    /// Starts the global logger, which receives the calls of all threads of the process.
    ///
    /// # Errors
    /// If there is a global logger already, if the dump cannot be created, or if the filter cannot be parsed.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).start()?;
    /// std::thread::spawn(|| stenolog::info!("from any thread")).join().unwrap();
    /// log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(self) -> Result<Logger, StartError> {
        let this = self.resolved()?;
        this.refuse_second()?;
        let child = this.for_children();
        this.spawn_on(create, |core| install_global(core, child), drain::start)
    }

    /// The builder with the name of its dump.
    fn resolved(mut self) -> Result<Self, StartError> {
        self.config.path = naming::resolve(&self.config.path)?;
        self.tell_ignored();
        Ok(self)
    }

    /// The function that a forked child calls to start its own logger.
    fn for_children(&self) -> Option<StartChild> {
        if self.forked_child != ForkedChild::OwnDump {
            return None;
        }
        let builder = self.clone();
        Some(Arc::new(move || {
            let mut builder = builder.clone();
            builder.config.path = drain::numbered(&builder.config.path, std::process::id());
            let logger = builder.start().ok()?;
            let core = Arc::clone(logger.core());
            Some(OwnLogger { core, close: Box::new(|| logger.close()) })
        }))
    }

    fn refuse_second(&self) -> Result<(), StartError> {
        match registry::global() {
            Some(running) => Err(StartError::AlreadyStarted {
                path: self.config.path.clone(),
                running: running.config.path.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Starts a logger that receives only the calls of threads that have [entered](Logger::enter) it, with or
    /// without a global logger. Use it for tests and for logs of a single task.
    ///
    /// A call to it costs some tens of nanoseconds more than one to the global logger.
    ///
    /// # Errors
    /// If the dump cannot be created, or if the filter cannot be parsed.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("task.steno");
    /// let log = stenolog::Builder::new(path).start_detached()?;
    /// let scope = log.enter();
    /// stenolog::info!("into this log");
    /// drop(scope);
    /// log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start_detached(self) -> Result<Logger, StartError> {
        let install = |_: &_| {
            registry::count_detached(1);
            Ok(false)
        };
        self.resolved()?.spawn_on(create, install, drain::start)
    }

    /// Like [`start`](Self::start), but without a drain thread: the logger's rings are written when the program
    /// polls the [`Drain`], whose documentation has an example.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_manual(self) -> Result<(Logger, Drain), StartError> {
        let this = self.resolved()?;
        this.refuse_second()?;
        let mut drain = None;
        let run = |core, file, parker| {
            drain = Some(Drain::begin(core, file, parker)?);
            Ok(None)
        };
        let child = this.for_children();
        let logger = this.spawn_on(create, |core| install_global(core, child), run)?;
        // `run` has been called if there is a logger.
        let drain = drain.expect("a logger that runs has a drain");
        Ok((logger, drain))
    }

    /// As [`start_detached`](Self::start_detached), with a dump that is no file.
    #[cfg(test)]
    pub(crate) fn start_detached_on(self, storage: impl drain::Storage + 'static) -> Logger {
        let install = |_: &_| {
            registry::count_detached(1);
            Ok(false)
        };
        let create = |_: &_, _, _, _: &_| Ok(SegmentFile::new(Box::new(storage)));
        self.spawn_on(create, install, drain::start).expect("it starts")
    }

    /// Starts the logger. The order is earlier runs, rings, dump, drain, calls: whenever the process dies, a
    /// reader finds what there is.
    fn spawn_on(
        self,
        create: impl FnOnce(&Path, Existing, u32, &EarlierRun) -> Result<SegmentFile, StartError>,
        install: impl FnOnce(&Arc<Core>) -> Result<bool, StartError>,
        run: impl FnOnce(Arc<Core>, SegmentFile, Parker) -> Result<Option<JoinHandle<()>>, StartError>,
    ) -> Result<Logger, StartError> {
        fork::watch();
        let filter = self.resolve_filter()?;
        let path = self.config.path.clone();
        self.capture.install(&path)?;
        let parker = Parker::new();
        let rings = self.config.rings;
        let has_no_dump = self.config.has_no_dump();
        let unparker = parker.unparker().clone();
        let mut folders = writer_folders(&path);
        folders.extend(self.config.rings_in.clone());
        let listeners = self.config.listeners.clone();
        if !has_no_dump {
            clean_up(&path, &folders, (self.unread_rings, rings), &listeners);
        }
        let earlier =
            EarlierRun { unread: self.unread_rings, folders, listeners: listeners.clone() };
        let mut config = self.config;
        let (path, beside) = match self.if_busy {
            _ if has_no_dump => (path, None),
            IfBusy::Error => (path, None),
            // Before anything is named after the path.
            IfBusy::NumberedPath => {
                let replaceable = finish_earlier(&path, &earlier)?;
                let created =
                    DumpFile::create_if_busy(&path, self.existing, self.mode, replaceable)?;
                (created.1, Some(created.0))
            }
        };
        config.path.clone_from(&path);
        let (core, no_ring_dir) = Core::new(config, filter, unparker);
        if let Some(error) = &no_ring_dir
            && rings == Rings::RequireFiles
        {
            return Err(StartError::Rings { path, reason: error.to_string() });
        }
        let core = Arc::new(core);
        let created = match beside {
            Some(file) => Ok(SegmentFile::new(Box::new(file))),
            #[cfg(feature = "console")]
            None if has_no_dump => Ok(SegmentFile::new(Box::new(drain::Nowhere))),
            None => create(&path, self.existing, self.mode, &earlier),
        };
        let started = created
            .inspect(|_| failpoint::after(Step::DumpCreated))
            .and_then(|file| run(Arc::clone(&core), file, parker));
        let thread = started.inspect_err(|_| {
            if let Some(dir) = core.ring_dir() {
                dir.remove();
            }
        })?;
        let mut logger = Logger::new(core, thread);
        logger.set_global(install(logger.core())?);
        if let Some(error) = no_ring_dir {
            listeners.tell(Event::RingsInMemory { path, rings: 0, reason: error.to_string() });
            let _scope = logger.enter();
            crate::warn!(
                target: OWN_TARGET,
                reason = %error,
                "the rings are in memory only: what is not written when the process is killed is lost"
            );
        }
        Ok(logger)
    }

    /// Tells what was wrong in the environment.
    fn tell_ignored(&mut self) {
        for (variable, value, reason) in std::mem::take(&mut self.ignored) {
            let path = self.config.path.clone();
            self.config.listeners.tell(Event::SettingIgnored { path, variable, value, reason });
        }
    }

    fn resolve_filter(&self) -> Result<Filter, StartError> {
        let error = |source| StartError::Filter { variable: None, source };
        // First, because a default that cannot be parsed is an error regardless of the environment.
        let default = self.default_filter.as_deref().map(Filter::parse).transpose();
        let default = default.map_err(error)?;
        if let Some(text) = &self.filter {
            return Filter::parse(text).map_err(error);
        }
        for variable in ["STENOLOG", "RUST_LOG"] {
            let FromEnv { filter, ignored } = Filter::from_env(variable);
            for Ignored { part, reason } in ignored {
                let path = self.config.path.clone();
                let event = Event::DirectiveIgnored { path, variable, directive: part, reason };
                self.config.listeners.tell(event);
            }
            if let Some(filter) = filter {
                return Ok(filter);
            }
        }
        Ok(default.unwrap_or_else(Filter::everything))
    }
}

/// Removes rings that earlier processes have left, and tails, that are no longer needed, except those of the dump
/// at `path`: the creation of the new dump takes care of them.
fn clean_up(
    path: &Path,
    folders: &[PathBuf],
    (unread, rings): (UnreadRings, Rings),
    listeners: &Listeners,
) {
    let spared = drain::session_at(path);
    remove_tails(path, spared);
    if rings == Rings::Memory {
        return;
    }
    for removed in sweep(folders, spared, unread == UnreadRings::Recover) {
        let Removed { rings, dump, were_unread, why } = removed;
        listeners.tell(Event::RingsRemoved { rings, dump, were_unread, reason: why.to_owned() });
    }
}

/// Finishes an earlier run at the path, and then creates the dump of this one.
fn create(
    path: &Path,
    existing: Existing,
    mode: u32,
    earlier: &EarlierRun,
) -> Result<SegmentFile, StartError> {
    let replaceable = finish_earlier(path, earlier)?;
    let file = DumpFile::create(path, existing, mode, replaceable)?;
    Ok(SegmentFile::new(Box::new(file)))
}

/// Makes it the global logger.
fn install_global(core: &Arc<Core>, child: Option<StartChild>) -> Result<bool, StartError> {
    if fork::install_global(core, child) {
        return Ok(true);
    }
    let path = core.config.path.clone();
    let running = registry::global().map_or_else(PathBuf::new, |r| r.config.path.clone());
    Err(StartError::AlreadyStarted { path, running })
}
