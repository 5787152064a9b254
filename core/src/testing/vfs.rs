//! A file system under SQLite that fails on demand: the n-th write, sync, truncation or deletion, once or from then on;
//! and that can lose, as a power cut does, any part of what was not synced.
//!
//! It stands below SQLCipher, so it tears pages as they are on disk. Everything it does not make fail is passed on to
//! the system's own VFS. See SQLite's documentation of the OS interface ("VFS").
#![expect(unsafe_code, reason = "SQLite calls a VFS through C function pointers")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::raw::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{fs, io, ptr, slice};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

/// A VFS of its own, with its own counter. It lives as long as the process.
#[derive(Clone, Copy)]
pub struct FaultVfs {
    control: &'static Control,
}

/// What an operation does instead of succeeding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; an I/O error.
    Io,
    /// A write does nothing and reports a full disk; other operations succeed.
    DiskFull,
    /// A write does its first half and reports an I/O error; other operations do nothing and report one.
    Torn,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// One operation fails, the next succeeds.
    Once,
    /// Every operation fails from then on, as if the device were gone.
    Forever,
}

/// Every way to fail.
pub const FAULTS: [(Fault, Repeat); 6] = [
    (Fault::Io, Repeat::Once),
    (Fault::Io, Repeat::Forever),
    (Fault::DiskFull, Repeat::Once),
    (Fault::DiskFull, Repeat::Forever),
    (Fault::Torn, Repeat::Once),
    (Fault::Torn, Repeat::Forever),
];

impl FaultVfs {
    /// Registers a new one. It passes everything on until it is told to fail.
    ///
    /// # Panics
    /// When SQLite refuses it, which it does only without memory.
    #[must_use]
    pub fn register() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let name = format!("fault-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // SAFETY: a null name asks for the default VFS, which is never freed.
        let system = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        assert!(!system.is_null(), "SQLite has a default VFS");
        let control: &'static Control =
            Box::leak(Box::new(Control { system, name, state: Mutex::new(State::default()) }));
        let vfs = Box::leak(Box::new(control.vfs()));
        // SAFETY: the structure and its name live for ever.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK, "registering a VFS needs nothing but memory");
        Self { control }
    }

    /// By which a database is opened over it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        &self.control.name
    }

    /// Lets the operation after the next `after` fail; one that this fault does not concern passes it on to the next.
    pub fn fail_after(&self, after: u64, fault: Fault, repeat: Repeat) {
        let mut state = self.control.state();
        state.plan = Some(Plan { after, fault, repeat });
        state.fired = false;
    }

    /// True when an operation failed since [`Self::fail_after`].
    #[must_use]
    pub fn fired(&self) -> bool {
        self.control.state().fired
    }

    /// Nothing fails from here on.
    pub fn heal(&self) {
        self.control.state().plan = None;
    }

    /// How many writes, syncs, truncations and deletions there were.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.control.state().operations
    }

    /// Puts every file back to what a power cut may leave: what was synced, and of the later writes those whose bit in
    /// `survivors` is set. Call it when no database is open over this VFS.
    pub fn cut_power(&self, survivors: u64) -> io::Result<()> {
        let unsynced = std::mem::take(&mut self.control.state().unsynced);
        unsynced.iter().try_for_each(|(path, changes)| lose(path, changes, survivors))
    }
}

struct Control {
    system: *mut sqlite3_vfs,
    name: String,
    state: Mutex<State>,
}

// SAFETY: the pointer is to SQLite's default VFS, which SQLite itself uses from every thread and never changes.
unsafe impl Send for Control {}
// SAFETY: as above.
unsafe impl Sync for Control {}

#[derive(Default)]
struct State {
    operations: u64,
    plan: Option<Plan>,
    fired: bool,
    unsynced: BTreeMap<PathBuf, Vec<Change>>,
}

#[derive(Clone, Copy)]
struct Plan {
    after: u64,
    fault: Fault,
    repeat: Repeat,
}

/// A change of a file that was not synced: what it did, and how to undo it.
struct Change {
    offset: u64,
    before: Vec<u8>,
    length_before: u64,
    done: Done,
}

enum Done {
    Wrote(Vec<u8>),
    Truncated(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Write,
    Other,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; the fault it meets, if any.
    fn meet(&self, operation: Operation) -> Option<Fault> {
        let mut state = self.state();
        state.operations += 1;
        let plan = state.plan.as_mut()?;
        if plan.after > 0 {
            plan.after -= 1;
            return None;
        }
        if plan.fault == Fault::DiskFull && operation != Operation::Write {
            return None;
        }
        let fault = plan.fault;
        if plan.repeat == Repeat::Once {
            state.plan = None;
        }
        state.fired = true;
        Some(fault)
    }

    fn vfs(&'static self) -> sqlite3_vfs {
        let name = CString::new(self.name.as_str()).expect("the name has no zero byte");
        // SAFETY: the default VFS is never freed.
        let system = unsafe { &*self.system };
        sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(REAL_FILE_AT).expect("a few dozen bytes") + system.szOsFile,
            mxPathname: system.mxPathname,
            pNext: ptr::null_mut(),
            zName: name.into_raw(),
            pAppData: ptr::from_ref(self).cast_mut().cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(get_last_error),
            xCurrentTimeInt64: Some(current_time_int64),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }
    }
}

fn lose(path: &Path, changes: &[Change], survivors: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt as _;
    let file = match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for change in changes.iter().rev() {
        file.set_len(change.length_before)?;
        file.write_all_at(&change.before, change.offset)?;
    }
    for (number, change) in changes.iter().enumerate() {
        if survivors >> (number % 64) & 1 == 1 {
            match &change.done {
                Done::Wrote(bytes) => file.write_all_at(bytes, change.offset)?,
                Done::Truncated(length) => file.set_len(*length)?,
            }
        }
    }
    file.sync_all()
}

/// What SQLite holds as a file: its own part, ours, and behind it the system's.
#[repr(C)]
struct File {
    base: sqlite3_file,
    about: *mut About,
}

struct About {
    control: &'static Control,
    path: PathBuf,
}

/// Where the system's part begins, aligned for whatever it holds.
const REAL_FILE_AT: usize = size_of::<File>().next_multiple_of(16);

/// # Safety
/// `file` was opened by [`open`].
unsafe fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: SQLite allocated `szOsFile` bytes, which begin with ours and go on with the system's.
    unsafe { file.cast::<u8>().add(REAL_FILE_AT).cast() }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn about<'f>(file: *mut sqlite3_file) -> &'f About {
    // SAFETY: `open` set it, `close` frees it.
    unsafe { &*(*file.cast::<File>()).about }
}

/// # Safety
/// `vfs` is one that [`FaultVfs::register`] registered.
unsafe fn control(vfs: *mut sqlite3_vfs) -> &'static Control {
    // SAFETY: `pAppData` is a leaked `Control`.
    unsafe { &*(*vfs).pAppData.cast::<Control>() }
}

/// Calls a method of the system's file.
macro_rules! pass {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: the system's file was opened with methods of version 2 or later.
        let file = unsafe { real($file) };
        // SAFETY: as above; SQLite's own arguments are passed on unchanged.
        unsafe { (*(*file).pMethods).$method.expect("a VFS of version 2 has it")(file $(, $argument)*) }
    }};
}

/// Calls a method of the system's VFS.
macro_rules! ask {
    ($vfs:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: `vfs` is ours; the system's is never freed.
        let system = unsafe { control($vfs) }.system;
        // SAFETY: as above; SQLite's own arguments are passed on unchanged.
        unsafe { (*system).$method.expect("the default VFS has it")(system $(, $argument)*) }
    }};
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes for the file.
    let behind = unsafe { real(file) };
    let code = ask!(vfs, xOpen, name, behind, flags, out_flags);
    // SAFETY: without methods SQLite does not close a file that did not open.
    unsafe { (*file).pMethods = ptr::null() };
    if code == ffi::SQLITE_OK {
        let path = if name.is_null() { PathBuf::new() } else { path_of(name) };
        // SAFETY: `vfs` is ours.
        let about = Box::new(About { control: unsafe { control(vfs) }, path });
        let ours = File { base: sqlite3_file { pMethods: &METHODS }, about: Box::into_raw(about) };
        // SAFETY: as above; our part fits before the system's.
        unsafe { file.cast::<File>().write(ours) };
    }
    code
}

fn path_of(name: *const c_char) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    // SAFETY: SQLite's file names end with a zero byte.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: `vfs` is ours.
    let control = unsafe { control(vfs) };
    if control.meet(Operation::Other).is_some() {
        return ffi::SQLITE_IOERR_DELETE;
    }
    control.state().unsynced.remove(&path_of(name));
    ask!(vfs, xDelete, name, sync_dir)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let code = pass!(file, xClose);
    // SAFETY: `open` made it; SQLite closes a file once.
    drop(unsafe { Box::from_raw((*file.cast::<File>()).about) });
    code
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let fault = unsafe { about(file) }.control.meet(Operation::Write);
    let (length, failure) = match fault {
        None => (length, None),
        Some(Fault::Io) => return ffi::SQLITE_IOERR_WRITE,
        Some(Fault::DiskFull) => return ffi::SQLITE_FULL,
        Some(Fault::Torn) => (length / 2, Some(ffi::SQLITE_IOERR_WRITE)),
    };
    // SAFETY: the file is open; SQLite gives at least `length` bytes.
    unsafe { remember_write(file, data, length, offset) };
    let code = pass!(file, xWrite, data, length, offset);
    failure.unwrap_or(code)
}

/// # Safety
/// The file is open and `data` has `length` bytes.
unsafe fn remember_write(file: *mut sqlite3_file, data: *const c_void, length: c_int, offset: sqlite3_int64) {
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(data.cast::<u8>(), usize::try_from(length).unwrap_or(0)) };
    let done = Done::Wrote(bytes.to_vec());
    // SAFETY: the caller's promise.
    unsafe { remember(file, offset.cast_unsigned(), bytes.len(), done) };
}

/// # Safety
/// The file is open.
unsafe fn remember(file: *mut sqlite3_file, offset: u64, length: usize, done: Done) {
    let mut size = 0;
    pass!(file, xFileSize, &raw mut size);
    let length_before = size.cast_unsigned();
    let there = usize::try_from(length_before.saturating_sub(offset)).unwrap_or(0);
    let mut before = vec![0_u8; length.min(there)];
    let count = c_int::try_from(before.len()).unwrap_or(0);
    pass!(file, xRead, before.as_mut_ptr().cast(), count, offset.cast_signed());
    // SAFETY: the caller's promise.
    let About { control, path } = unsafe { about(file) };
    let change = Change { offset, before, length_before, done };
    control.state().unsynced.entry(path.clone()).or_default().push(change);
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    if unsafe { about(file) }.control.meet(Operation::Other).is_some() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    let length = size.cast_unsigned();
    // SAFETY: the file is open.
    unsafe { remember(file, length, usize::MAX, Done::Truncated(length)) };
    pass!(file, xTruncate, size)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let About { control, path } = unsafe { about(file) };
    if control.meet(Operation::Other).is_some() {
        return ffi::SQLITE_IOERR_FSYNC;
    }
    let code = pass!(file, xSync, flags);
    if code == ffi::SQLITE_OK {
        control.state().unsynced.remove(path);
    }
    code
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    pass!(file, xRead, to, length, offset)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    pass!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    pass!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    pass!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    pass!(file, xCheckReservedLock, out)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    pass!(file, xFileControl, what, argument)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    pass!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    pass!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    pass!(file, xShmMap, page, size, extend, out)
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    pass!(file, xShmLock, offset, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    pass!(file, xShmBarrier)
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    pass!(file, xShmUnmap, delete)
}

unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    ask!(vfs, xAccess, name, flags, out)
}

unsafe extern "C" fn full_pathname(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    ask!(vfs, xFullPathname, name, length, out)
}

unsafe extern "C" fn randomness(vfs: *mut sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    ask!(vfs, xRandomness, length, out)
}

unsafe extern "C" fn sleep(vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    ask!(vfs, xSleep, microseconds)
}

unsafe extern "C" fn current_time(vfs: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    ask!(vfs, xCurrentTime, out)
}

unsafe extern "C" fn get_last_error(vfs: *mut sqlite3_vfs, length: c_int, out: *mut c_char) -> c_int {
    ask!(vfs, xGetLastError, length, out)
}

unsafe extern "C" fn current_time_int64(vfs: *mut sqlite3_vfs, out: *mut sqlite3_int64) -> c_int {
    ask!(vfs, xCurrentTimeInt64, out)
}
