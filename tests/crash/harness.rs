//! A device as it stood, copied for each attempt; what it shows; a relay that is one function.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bedside_core::api::{App, Worklist};
use bedside_core::engine::{Input, Status};
use bedside_core::store::OpenOptions;
use bedside_core::testing::sim::{Fed, Outbound, PIN, SimDevice};
use bedside_core::testing::vfs::{FAULTS, Fault, FaultVfs, Repeat};
use bedside_protocol::ids::{SealedId, Timestamp};
use bedside_protocol::sealed::SealedEntry;
use bedside_protocol::wire::{Receipt, Session, SyncAnswer, SyncRequest};
use tempfile::TempDir;

use crate::base::fast_dir;
use crate::relay::Answer;
use crate::world::World;

/// A device's files at one moment.
pub(crate) struct Scene {
    name: &'static str,
    device: SimDevice,
    files: Vec<(PathBuf, Vec<u8>)>,
    now: Timestamp,
}

/// Every entry that a relay was given, and the one page that it has for the device.
pub(crate) struct Stub {
    page: SyncAnswer,
    pub(crate) given: BTreeSet<SealedId>,
}

/// Something that an app does; true when it was told that it is done.
pub(crate) type Act<'a> = &'a dyn Fn(&Attempt) -> bool;

/// One copy of a scene, over files that fail.
pub(crate) struct Attempt {
    dir: TempDir,
    vfs: FaultVfs,
    page: SyncAnswer,
    device: std::cell::RefCell<Option<SimDevice>>,
}

impl Scene {
    /// A device of a world, as it is when its process ends.
    pub(crate) fn of(world: &mut World, seat: usize) -> Self {
        let there = &mut world.seats[seat];
        let dir = world.dir.path().join(there.name);
        there.device.crash();
        let now = Timestamp(world.now);
        let device = there.device.copied_to(&dir, 1, now);
        let found =
            fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
        let files = found.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect();
        Self { name: there.name, device, files, now }
    }

    /// The same with one bit of a file's plain header turned: SQLite no longer opens it, and everything behind is whole.
    pub(crate) fn damaged(mut self, file: &str) -> Self {
        let (_, bytes) = self.files.iter_mut().find(|(name, _)| name == Path::new(file)).unwrap();
        bytes[20] ^= 0x10;
        self
    }

    /// What the relay has for the device, in one page.
    pub(crate) fn page(&self, world: &mut World) -> SyncAnswer {
        let mut device = self.device.copied_to(world.dir.path().join(self.name).as_path(), 3, self.now);
        let mut out = device.reopen(true).unwrap();
        if let Fed::Done(more) = device.feed(Input::Online(true), u64::MAX) {
            out.extend(more);
        }
        let (answer, _) = world.relay.handle(world.now, out.pop().unwrap());
        device.crash();
        match answer {
            Answer::Synced(page) if !page.more => *page,
            _ => panic!("it is signed in, and one page is enough"),
        }
    }

    /// A copy, closed.
    pub(crate) fn copy(&self, vfs: FaultVfs, page: &SyncAnswer) -> Attempt {
        let dir = fast_dir();
        for (name, bytes) in &self.files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let files =
            OpenOptions { vfs: Some(vfs.name().into()), careless_memory: true, ..OpenOptions::default() };
        let device = self.device.copied_to(dir.path(), 2, self.now).over(files);
        Attempt { dir, vfs, page: page.clone(), device: Some(device).into() }
    }
}

impl Attempt {
    pub(crate) fn app<R>(&self, use_it: impl FnOnce(&App) -> R) -> R {
        use_it(self.device.borrow().as_ref().unwrap().app())
    }

    /// Opens and unlocks it, in a new process; what the mailbox holds is taken in.
    pub(crate) fn open(&self) {
        self.device.borrow_mut().as_mut().unwrap().reopen(true).unwrap();
    }

    /// The app was told last that the disk is full.
    pub(crate) fn is_told_full(&self) -> bool {
        let device = self.device.borrow();
        matches!(device.as_ref().unwrap().status, Some(Status::DiskFull { .. }))
    }

    /// There is no room, or there is again.
    pub(crate) fn full(&self, full: bool) {
        if full { self.vfs.fail_after(0, Fault::DiskFull, Repeat::Forever) } else { self.vfs.heal() }
    }

    /// The process ends; nothing more reaches the disk. What was not synced is lost where `survivors` has no bit.
    fn die(&self, survivors: Option<u64>) {
        self.vfs.fail_after(0, Fault::Io, Repeat::Forever);
        let mut device = self.device.borrow_mut();
        if device.as_ref().unwrap().is_up() {
            device.as_mut().unwrap().crash();
        }
        self.vfs.heal();
        if let Some(survivors) = survivors {
            self.vfs.cut_power(survivors).unwrap();
        }
    }

    /// Repairs the device, which is closed; true when that was done.
    pub(crate) fn repair(&self) -> bool {
        let device = self.device.borrow();
        App::repair(self.dir.path(), device.as_ref().unwrap().host(), PIN).is_ok()
    }

    /// Gets in step with a relay; false when the device says that it is not.
    pub(crate) fn sync(&self) -> bool {
        let mut stub = Stub::new(&self.page);
        self.sync_with(&mut stub)
    }

    fn sync_with(&self, stub: &mut Stub) -> bool {
        let mut device = self.device.borrow_mut();
        let device = device.as_mut().unwrap();
        let mut feed = |input| match device.feed(input, u64::MAX) {
            Fed::Done(out) | Fed::Crashed(out) => out,
        };
        let mut out = feed(Input::Online(true));
        while let Some(message) = out.pop() {
            out.extend(feed(match message {
                Outbound::SignIn(_) => Input::SignedIn(stub.session()),
                Outbound::Sync(_, request) => Input::Synced(Box::new(stub.answer(&request))),
                Outbound::Compare(..) => panic!("this relay never lost its place"),
            }));
        }
        matches!(device.status, Some(Status::InStep { .. }))
    }

    /// Everything that an app sees: each plan, how far each entry has got, and what waits.
    pub(crate) fn shown(&self) -> String {
        self.app(|app| {
            let mut text = String::new();
            for row in app.plans(None, 200).unwrap().rows {
                let mut view = serde_json::to_value(app.plan(row.plan).unwrap()).unwrap();
                view.as_object_mut().unwrap().remove("as_of");
                let history = serde_json::to_string(&app.history(row.plan).unwrap()).unwrap();
                text.push_str(&format!("{view}\n{history}\n"));
            }
            for list in [Worklist::Caseload, Worklist::Visits] {
                text.push_str(&serde_json::to_string(&app.worklist(list, None, 200).unwrap().rows).unwrap());
            }
            text.push_str(&serde_json::to_string(&app.notebook().unwrap()).unwrap());
            let status = app.status().unwrap();
            let counts = (status.plans, status.unsent, status.waiting, status.refused, status.set_aside);
            text + &format!("{counts:?}")
        })
    }

    /// The relay gets every entry that was written here and that it had not confirmed, and the device hears that it did.
    pub(crate) fn everything_gets_out(&self) {
        let mut stub = Stub::new(&self.page);
        let unsent = self.app(|app| app.status().unwrap().unsent);
        assert!(self.sync_with(&mut stub), "the next sync succeeds");
        assert!(stub.given.len() as u64 >= unsent, "{} of {unsent} were sent", stub.given.len());
        assert_eq!(self.app(|app| app.status().unwrap().unsent), 0);
    }

    /// Both databases are sound.
    pub(crate) fn is_sound(&self) {
        self.die(None);
        let device = self.device.borrow();
        let report = App::repair(self.dir.path(), device.as_ref().unwrap().host(), PIN).unwrap();
        assert_eq!(report.moved_to, Vec::<PathBuf>::new());
    }
}

impl Stub {
    fn new(page: &SyncAnswer) -> Self {
        Self { page: page.clone(), given: BTreeSet::new() }
    }

    fn session(&self) -> Session {
        let SyncAnswer { cursor, time, session_until, .. } = self.page;
        Session { token: [7; 32], relay_epoch: cursor.epoch, time, valid_until: session_until }
    }

    fn answer(&mut self, request: &SyncRequest) -> SyncAnswer {
        let ids = request.entries.iter().map(|bytes| SealedEntry::from_bytes(bytes.to_vec()).unwrap().id());
        let ids: Vec<SealedId> = ids.collect();
        self.given.extend(&ids);
        let mut answer = self.page.clone();
        answer.receipts = ids.into_iter().map(|entry| Receipt { entry, refused: None }).collect();
        // Whoever says that they have it has it.
        if request.cursor == Some(answer.cursor) {
            answer.items.clear();
        }
        answer
    }
}

/// A way of writing: what is there, what is done, and what is asserted besides.
pub(crate) struct Way<'a> {
    /// What is there.
    pub(crate) scene: &'a Scene,
    /// What the relay has.
    pub(crate) page: &'a SyncAnswer,
    /// Brings the copy to where `act` begins: opened, mostly.
    pub(crate) begin: &'a dyn Fn(&Attempt),
    /// What is done.
    pub(crate) act: Act<'a>,
    /// Opens what `act` left.
    pub(crate) resume: &'a dyn Fn(&Attempt),
    /// `act` is one transaction of the vault: what failed is not seen in the same process either.
    pub(crate) at_once: bool,
    /// Of the operations that may fail, every so many do.
    pub(crate) stride: usize,
}

/// What is shown before and after, when nothing fails.
struct Shown {
    before: Option<String>,
    after: String,
}

impl Way<'_> {
    /// Lets each operation fail, in each way, and the power be cut at each.
    pub(crate) fn at_every_operation(&self) {
        let vfs = FaultVfs::register();
        let shown = self.untouched(vfs);
        for (number, (fault, repeat)) in FAULTS.into_iter().enumerate() {
            let arm = |after| vfs.fail_after(after, fault, repeat);
            self.each(vfs, number, arm, Some(repeat), &shown);
        }
        let arm = |after| vfs.fail_after(after, Fault::Torn, Repeat::Forever);
        self.each(vfs, FAULTS.len(), arm, None, &shown);
    }

    fn untouched(&self, vfs: FaultVfs) -> Shown {
        let attempt = self.scene.copy(vfs, self.page);
        (self.begin)(&attempt);
        let before = attempt.device.borrow().as_ref().unwrap().is_up().then(|| attempt.shown());
        assert!((self.act)(&attempt), "nothing fails");
        (self.resume)(&attempt);
        let after = attempt.shown();
        assert!(before.as_ref() != Some(&after), "it does something");
        attempt.everything_gets_out();
        attempt.is_sound();
        Shown { before, after }
    }

    /// Tries again and again, one stride further each time, until the way is through before anything fails. Each of the
    /// seven ways to fail begins one operation later than the last, so that with a stride of up to seven every operation
    /// fails in some way. What comes then: the same process goes on (once), or the next one (forever), or the power was
    /// cut (none).
    fn each(&self, vfs: FaultVfs, number: usize, arm: impl Fn(u64), end: Option<Repeat>, shown: &Shown) {
        const SURVIVORS: [u64; 3] = [0, u64::MAX, 0xfedc_ba98_7654_3210];
        let mut reached = 0;
        for after in (number as u64 % self.stride as u64..).step_by(self.stride) {
            let attempt = self.scene.copy(vfs, self.page);
            (self.begin)(&attempt);
            arm(after);
            let acknowledged = (self.act)(&attempt);
            let fired = vfs.fired();
            assert!(acknowledged || fired, "operation {after}: nothing failed but the app was told so");
            match end {
                Some(Repeat::Once) => {
                    vfs.heal();
                    self.goes_on(&attempt, acknowledged, shown, after);
                }
                Some(Repeat::Forever) => self.comes_back(&attempt, None, acknowledged, shown, after),
                None => {
                    let survivors = SURVIVORS[reached % SURVIVORS.len()];
                    self.comes_back(&attempt, Some(survivors), acknowledged, shown, after);
                }
            }
            if !fired {
                attempt.is_sound();
                break;
            }
            if reached % 4 == 0 {
                attempt.is_sound();
            }
            reached += 1;
        }
        assert!(reached > 2, "the path met {reached} operations: it is not over this file system");
    }

    /// The disk works again, and the same process goes on.
    fn goes_on(&self, attempt: &Attempt, acknowledged: bool, shown: &Shown, after: u64) {
        if self.at_once {
            let now = attempt.shown();
            let wanted = if acknowledged { &shown.after } else { shown.before.as_ref().unwrap() };
            assert_eq!(&now, wanted, "operation {after}: acknowledged is {acknowledged}");
        }
        if !acknowledged {
            assert!((self.act)(attempt), "operation {after}: the next try succeeds");
        }
        self.comes_back(attempt, None, true, shown, after);
    }

    /// The next process finds all or nothing, tries again what had failed, and everything gets out.
    fn comes_back(
        &self,
        attempt: &Attempt,
        power: Option<u64>,
        acknowledged: bool,
        shown: &Shown,
        after: u64,
    ) {
        attempt.die(power);
        if let Some(before) = &shown.before {
            attempt.open();
            let now = attempt.shown();
            let whole = now == shown.after || (!acknowledged && &now == before);
            assert!(whole, "operation {after}, acknowledged is {acknowledged}:\n{now}\nbefore: {before}");
            if now != shown.after {
                assert!((self.act)(attempt), "operation {after}: the next try succeeds");
            }
        } else {
            assert!((self.act)(attempt), "operation {after}: the next try succeeds");
            (self.resume)(attempt);
        }
        assert_eq!(attempt.shown(), shown.after, "operation {after}");
        attempt.everything_gets_out();
    }
}
