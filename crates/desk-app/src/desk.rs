//! The open desk: one store, one member, the caches that lists and clocks need.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use desk_api::{ApiError, ErrorCode, view::SyncView};
use desk_docs::{Document, Open, OpenDocuments};
use desk_domain::{
    ids::{DeviceId, DocId, DocKind, Ids},
    projection::Rules,
    state::State,
    time::{Clock, UtcMillis},
    workspace::Workspace,
};
use desk_store::{Batch, DocWrite, Hash32, NewerVersion, OpenOptions, Store, StoredDocument};
use tokio::sync::{Mutex, broadcast, watch};

use crate::{
    erase::{self, FileIdentity},
    error,
    machine::{self, CorrectedClock, MachineIds, Shared},
    secrets::{self, KeyPlace, Keychain},
    session::SignedIn,
    sync::{driver, twin::twin_fact},
};

/// The store's file in the data directory.
pub(crate) const STORE_FILE: &str = "desk.db";
/// What happens is told to listeners that are at most this many messages behind; one further behind refetches.
const EVENTS_KEPT: usize = 1_024;

/// Documents that are kept open, at most: what a team works on in an hour.
const OPEN_DOCUMENTS: usize = 128;
/// Bytes of their snapshots, at most.
const OPEN_BYTES: usize = 2 * 1024 * 1024;

/// How to open a desk.
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Where the store's key is kept.
    pub keychain: Box<dyn Keychain>,
    /// Open only a store that exists.
    pub must_exist: bool,
}

/// Something that listeners (the window) want to know.
#[derive(Clone, Debug)]
pub enum DeskEvent {
    /// Documents changed.
    Changed {
        /// Kinds of which at least one changed.
        kinds: Vec<DocKind>,
        /// Which.
        docs: Vec<DocId>,
    },
    /// Sync stands otherwise than before.
    Sync(Box<SyncView>),
    /// Alerts were raised or acknowledged; so many are open.
    Alerts(u32),
    /// The session ended.
    SignedOut(Option<ApiError>),
}

/// The use-cases of one data directory. Clones share everything.
#[derive(Clone)]
pub struct Desk {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) data_dir: PathBuf,
    pub(crate) keychain: Box<dyn Keychain>,
    /// The store; another one takes its place when it is erased.
    pub(crate) place: RwLock<Arc<Place>>,
    pub(crate) clock: Arc<CorrectedClock>,
    pub(crate) ids: Box<dyn Ids>,
    pub(crate) session: RwLock<Option<Arc<SignedIn>>>,
    pub(crate) settings: RwLock<Arc<WorkspaceRules>>,
    /// One edit at a time; the store would refuse the second of two with the same heads.
    pub(crate) writing: Mutex<()>,
    /// Documents that were edited or read last, by the heads that they had in the store.
    pub(crate) open: std::sync::Mutex<OpenDocuments<Vec<Hash32>>>,
    /// Clocks are computed anew once at a time.
    pub(crate) rederiving: Mutex<()>,
    pub(crate) events: broadcast::Sender<DeskEvent>,
    /// Counts commits that the scheduler must look at.
    pub(crate) deadlines_moved: watch::Sender<u64>,
    pub(crate) sync: driver::Signals,
}

/// The open store, and what stays the same as long as it is open.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) read_only: Option<NewerVersion>,
    pub(crate) key: KeyPlace,
    pub(crate) device: DeviceId,
    pub(crate) file: FileIdentity,
}

impl Place {
    /// Opens the store in a data directory, or makes one.
    pub(crate) async fn open(
        data_dir: &Path,
        keychain: &dyn Keychain,
        ids: &dyn Ids,
    ) -> Result<Self, ApiError> {
        let path = data_dir.join(STORE_FILE);
        let (secret, key) = secrets::store_key(data_dir, path.exists(), keychain)?;
        let opened = Store::open(&path, &secret, OpenOptions::default()).await.map_err(error::store)?;
        let store = opened.store;
        let device = device(&store, ids).await?;
        let file = FileIdentity::of(&path);
        Ok(Self { store, read_only: opened.read_only, key, device, file })
    }
}

/// The workspace's settings with what deadlines are computed by.
pub(crate) struct WorkspaceRules {
    pub(crate) workspace: Option<Workspace>,
    pub(crate) rules: Rules,
}

impl WorkspaceRules {
    pub(crate) fn of(workspace: Option<Workspace>) -> Self {
        let rules = Rules::of(workspace.as_ref());
        Self { workspace, rules }
    }
}

impl Desk {
    /// Opens the desk in a data directory, or makes one.
    ///
    /// # Errors
    /// When the directory cannot be made, the key is missing or wrong, or the store is damaged. Nothing is changed then.
    pub async fn open(config: Config) -> Result<Self, ApiError> {
        let path = config.data_dir.join(STORE_FILE);
        if config.must_exist && !path.exists() && !erase::is_unfinished(&config.data_dir) {
            return Err(error::signed_out());
        }
        std::fs::create_dir_all(&config.data_dir).map_err(|problem| {
            error::io(&format!("the directory {} cannot be made", config.data_dir.display()), &problem)
        })?;
        let clock = Arc::new(CorrectedClock::default());
        let ids = Box::new(MachineIds::new(Shared(Arc::clone(&clock))));
        let ended = erase::finish(&config.data_dir, config.keychain.as_ref()).await?;
        let place = Place::open(&config.data_dir, config.keychain.as_ref(), ids.as_ref()).await?;
        if let Some(reason) = ended {
            erase::settle(&config.data_dir, &place.store, &reason).await?;
        }
        if let Some(text) = place.store.meta_text("clock_offset_ms").await.map_err(error::store)?
            && let Ok(offset) = text.parse()
        {
            clock.set_offset_ms(offset);
        }
        let desk = Self {
            inner: Arc::new(Inner {
                data_dir: config.data_dir,
                keychain: config.keychain,
                place: RwLock::new(Arc::new(place)),
                clock,
                ids,
                session: RwLock::new(None),
                settings: RwLock::new(Arc::new(WorkspaceRules::of(None))),
                writing: Mutex::new(()),
                open: std::sync::Mutex::new(OpenDocuments::new(OPEN_DOCUMENTS, OPEN_BYTES)),
                rederiving: Mutex::new(()),
                events: broadcast::channel(EVENTS_KEPT).0,
                deadlines_moved: watch::channel(0).0,
                sync: driver::Signals::default(),
            }),
        };
        desk.restore_session().await?;
        desk.notice_machine().await?;
        desk.reload_settings().await?;
        desk.complete_sections().await?;
        Ok(desk)
    }

    /// The data directory that is used where none is named: the platform's, or `DESK_DATA_DIR`.
    pub fn default_data_dir() -> PathBuf {
        let from_env =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(dir) = from_env("DESK_DATA_DIR") {
            return dir;
        }
        let base = if cfg!(target_os = "windows") {
            from_env("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            from_env("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            from_env("XDG_DATA_HOME").or_else(|| from_env("HOME").map(|home| home.join(".local/share")))
        };
        base.unwrap_or_else(|| PathBuf::from(".")).join("workernet-desk")
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// The present instant, corrected.
    pub fn now(&self) -> UtcMillis {
        self.inner.clock.now()
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<DeskEvent> {
        self.inner.events.subscribe()
    }

    /// Why the store may only be read, if that is so.
    pub fn read_only(&self) -> Option<ApiError> {
        self.place().read_only.map(|newer| {
            ApiError::new(
                ErrorCode::ReadOnlyStore,
                format!("{newer}: it is open for reading only; update the program to go on working"),
            )
        })
    }

    /// Closes the store; what was saved is on the disk already.
    pub async fn close(&self) {
        self.store().close().await;
    }

    /// The workspace's settings, once there are some.
    pub fn workspace(&self) -> Option<Workspace> {
        self.rules().workspace.clone()
    }

    pub(crate) fn place(&self) -> Arc<Place> {
        Arc::clone(&self.inner.place.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self) -> Store {
        self.place().store.clone()
    }

    /// This installation's identity.
    pub(crate) fn device(&self) -> DeviceId {
        self.place().device
    }

    pub(crate) fn rules(&self) -> Arc<WorkspaceRules> {
        Arc::clone(&self.inner.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_workspace(&self, workspace: Workspace) {
        let rules = Arc::new(WorkspaceRules::of(Some(workspace)));
        *self.inner.settings.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Nobody listens is no error: the command line has no window.
    pub(crate) fn emit(&self, event: DeskEvent) {
        drop(self.inner.events.send(event));
    }

    /// Opens a stored document; `None` when there is none. Also gives the heads that it has in the store.
    pub(crate) async fn load(&self, id: DocId) -> Result<Option<(Document, Vec<Hash32>)>, ApiError> {
        let stored = self.store().document(id).await.map_err(error::store)?;
        Ok(stored.map(opened).transpose()?.map(with_heads))
    }

    /// Takes out a document that stands open, with the heads that it had in the store. It may have been written since, by another
    /// process even: a commit that expects these heads tells.
    pub(crate) fn take_open(&self, id: DocId) -> Option<(Document, Vec<Hash32>)> {
        let mut kept = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take(id).map(with_heads)
    }

    /// The heads in the store of a document that stands open and is as `wanted`; it stays where it is. They may be other ones
    /// by now.
    pub(crate) fn open_heads(
        &self,
        id: DocId,
        wanted: impl FnOnce(&Document) -> bool,
    ) -> Option<Vec<Hash32>> {
        let kept = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(id).filter(|open| wanted(&open.document)).map(|open| open.state.clone())
    }

    /// Keeps a document open that is, or was a moment ago, in the store with these heads.
    pub(crate) fn keep_open(&self, open: Open<Vec<Hash32>>) {
        let mut kept = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        kept.put(open.document.id(), open);
    }

    /// Reads a stored document; `None` when there is none.
    pub(crate) async fn state(&self, id: DocId) -> Result<Option<State>, ApiError> {
        match self.load(id).await? {
            Some((document, _)) => document.read().map(Some).map_err(|problem| error::read(&problem)),
            None => Ok(None),
        }
    }

    /// The store's file is another one now; the handle is the same.
    pub(crate) fn store_was_replaced(&self) {
        let file = FileIdentity::of(&self.inner.data_dir.join(STORE_FILE));
        let mut place = self.inner.place.write().unwrap_or_else(PoisonError::into_inner);
        let Place { store, read_only, key, device, file: _ } = &**place;
        let replaced =
            Place { store: store.clone(), read_only: *read_only, key: *key, device: *device, file };
        *place = Arc::new(replaced);
    }

    /// Reads a stored document to be shown: one of a newer version as far as it can be read.
    pub(crate) async fn shown(&self, id: DocId) -> Result<Option<State>, ApiError> {
        let Some(stored) = self.store().document(id).await.map_err(error::store)? else { return Ok(None) };
        let open = opened(stored)?;
        match open.document.read() {
            Ok(state) => {
                // What is looked at is what is edited next.
                self.keep_open(open);
                Ok(Some(state))
            }
            Err(problem) => open.document.readable().map(Some).ok_or_else(|| error::read(&problem)),
        }
    }

    /// This installation goes on under another id, which the store has already.
    pub(crate) fn adopt_device(&self, device: DeviceId) {
        let mut place = self.inner.place.write().unwrap_or_else(PoisonError::into_inner);
        let Place { store, read_only, key, device: _, file } = &**place;
        let renamed = Place { store: store.clone(), read_only: *read_only, key: *key, device, file: *file };
        *place = Arc::new(renamed);
    }

    /// Takes over the id that another process on this store may have given the installation.
    pub(crate) async fn follow_device(&self) -> Result<(), ApiError> {
        let text = self.store().meta_text("device").await.map_err(error::store)?;
        match text.and_then(|text| text.parse().ok()) {
            Some(device) if device != self.device() => {
                self.adopt_device(device);
                self.restore_session().await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A store that opens on another machine than before was copied or restored there; the first one may go on with it.
    async fn notice_machine(&self) -> Result<(), ApiError> {
        let Some(machine) = machine::identity() else { return Ok(()) };
        if self.read_only().is_some() {
            return Ok(());
        }
        let known = self.store().meta_text("machine").await.map_err(error::store)?;
        if known.as_deref() == Some(machine.as_str()) {
            return Ok(());
        }
        let mut meta = vec![("machine".to_owned(), Some(machine.into_bytes()))];
        if known.is_some() {
            tracing::warn!("the store was last open on another machine");
            let has_server = self.signed_in().is_some_and(|session| session.server.is_some());
            meta.push(if has_server {
                twin_fact()
            } else {
                ("device".to_owned(), Some(self.inner.ids.fresh().to_string().into_bytes()))
            });
        }
        self.store().commit(&Batch { meta, ..Batch::default() }).await.map_err(error::store)?;
        self.follow_device().await
    }

    /// Reads the settings document of the signed-in workspace into the cache.
    pub(crate) async fn reload_settings(&self) -> Result<(), ApiError> {
        let Some(session) = self.signed_in() else { return Ok(()) };
        if let Some(State::Workspace(workspace)) = self.state(session.workspace_doc).await? {
            self.set_workspace(*workspace);
        }
        Ok(())
    }
}

/// A stored document, opened, with its heads there.
pub(crate) fn opened(stored: StoredDocument) -> Result<Open<Vec<Hash32>>, ApiError> {
    let size_bytes = stored.snapshot.len();
    let document = Document::open(stored.id, stored.kind, stored.snapshot).map_err(error::load)?;
    Ok(Open { state: stored.heads, size_bytes, document })
}

/// A document as a commit has just stored it, to be kept open.
pub(crate) fn as_written(write: &DocWrite, document: Document) -> Open<Vec<Hash32>> {
    Open { state: write.heads.clone(), size_bytes: write.snapshot.len(), document }
}

/// A document that stood open, with its heads in the store.
pub(crate) fn with_heads(open: Open<Vec<Hash32>>) -> (Document, Vec<Hash32>) {
    (open.document, open.state)
}

/// This installation's identity, made once.
async fn device(store: &Store, ids: &dyn Ids) -> Result<DeviceId, ApiError> {
    if let Some(text) = store.meta_text("device").await.map_err(error::store)? {
        return text.parse().map_err(|_| {
            ApiError::new(
                ErrorCode::DamagedStore,
                "the store's device id is damaged: run `desk doctor --repair`",
            )
        });
    }
    let device = DeviceId(ids.fresh());
    if !store.is_read_only() {
        store.set_meta("device", Some(device.to_string().as_bytes())).await.map_err(error::store)?;
    }
    Ok(device)
}
