//! From unlocking to reading: the list of plans, the search box, one plan.

mod support;

use bedside_core::api::{Answer, App, Audience, Leaf, NewVisit, PlanId, PlanView, Section, Source, Worklist};
use support::measure::{Program, Samples, Table, ms, progress, time};
use support::people::{PIN, Person, World, fill, start_plans};

const RUNS: usize = 21;

fn main() {
    let about = "unlocking, listing, searching, opening one plan";
    let Some(program) = Program::start("open", about, &["plan", "list"]) else { return };
    println!("   databases in memory; a guess at the PIN costs next to nothing here");
    if program.wants("plan") {
        open_one();
    }
    if program.wants("list") {
        list(10_000);
    }
}

fn open_one() {
    let world = World::in_memory();
    let mut nurse = world.nurse("Nia");
    world.without_administrator();
    let plans = start_plans(&nurse, 30);
    fill(&nurse, &plans, 40);
    // As many entries as a long illness with daily visits may bring.
    fill(&nurse, &plans[..1], 2_000);
    let mut table = Table::default();
    let (long, usual) = (plans[0], plans[1]);
    let warm = samples(|| time(|| view(&nurse, usual)).0);
    table.aim("40 entries, opened lately", ms(warm.median()), "2 ms");
    let mut turn = 0;
    let evicted = samples(|| {
        // One after another, more plans than are kept ready: each has been forgotten when its turn comes.
        turn += 1;
        time(|| view(&nurse, plans[1 + turn % 29])).0
    });
    table.aim("40 entries, not opened lately", ms(evicted.median()), "10 ms");
    let cold = samples(|| {
        relock(&mut nurse);
        time(|| view(&nurse, usual)).0
    });
    table.aim("40 entries, first after unlocking", ms(cold.median()), "10 ms");
    let urgent = |nurse: &Person| {
        let page = nurse.app.page(usual, Some(Audience::Urgent)).expect("the plan is here");
        page.html().len() + page.text().len()
    };
    let page = samples(|| time(|| urgent(&nurse)).0);
    table.aim("urgent page, as HTML and text, opened lately", ms(page.median()), "2 ms");
    let cold = samples(|| {
        relock(&mut nurse);
        time(|| urgent(&nurse)).0
    });
    table.line("the same, first after unlocking", ms(cold.median()));
    let warm = samples(|| time(|| view(&nurse, long)).0);
    table.line("2,000 entries, opened lately", ms(warm.median()));
    let cold = samples(|| {
        relock(&mut nurse);
        time(|| view(&nurse, long)).0
    });
    table.line("2,000 entries, first after unlocking", ms(cold.median()));
    table.print(&format!("one plan, median of {RUNS}"));
}

fn view(nurse: &Person, plan: PlanId) -> PlanView {
    nurse.app.plan(plan).expect("the plan is here")
}

fn relock(nurse: &mut Person) {
    nurse.app.lock().expect("nothing is under way");
    nurse.app.unlock(PIN).expect("the PIN is right");
}

fn list(count: usize) {
    let world = World::in_memory();
    let nurse = world.nurse("Nia");
    world.without_administrator();
    start_plans(&nurse, count);
    let Person { app, host } = nurse;
    drop(app);
    let dir = world.dir.path().join("Nia");
    let [mut unlock, mut first, mut next, mut cold_search] = [const { Samples::new() }; 4];
    let mut kept = None;
    for _ in 0..RUNS {
        drop(kept.take());
        // A process that has just begun.
        let app = App::open(&dir, host.clone()).expect("the profile is whole");
        let (unlocked, ()) = time(|| app.unlock(PIN).expect("the PIN is right"));
        let (shown, page) = time(|| app.plans(None, 50).expect("unlocked"));
        unlock.push_time(unlocked + shown);
        first.push_time(shown);
        let after = page.next.expect("there are more");
        next.push_time(time(|| app.plans(Some(&after), 50).expect("unlocked")).0);
        cold_search.push_time(time(|| app.search("kow").expect("unlocked")).0);
        kept = Some(app);
    }
    let app = kept.expect("opened in the last run");
    let mut table = Table::default();
    table.aim("unlock to the first page of 50", ms(unlock.median()), "50 ms");
    table.line("  of this, the page", ms(first.median()));
    table.aim("the next page", ms(next.median()), "2 ms");
    table.line("first search after unlocking", ms(cold_search.median()));
    for (typed, what) in [
        ("k", "one letter"),
        ("ko", "two"),
        ("kow", "three"),
        ("kowalskaren", "a name, nearly"),
        ("kow car", "two words begun"),
        ("kowlaskaren", "two letters swapped"),
        ("kowalsaren", "one missing"),
        ("kwolaska", "while it is typed"),
        ("carsy kowalskeren", "two names, a slip in each"),
        ("smithson", "nobody's name"),
        ("999", "three digits of an NHS number"),
        ("999 000", "six digits"),
    ] {
        let found = samples(|| time(|| app.search(typed).expect("unlocked")).0);
        table.aim(&format!("search: {what} ({typed})"), ms(found.median()), "5 ms");
    }
    table.print(&format!("{count} plans, median of {RUNS}"));
    worklists(&app, count);
}

/// What a home screen asks of a busy device.
fn worklists(app: &App, count: usize) {
    let mut after = None;
    let mut plans: Vec<PlanId> = Vec::new();
    loop {
        let page = app.plans(after.as_ref(), 200).expect("unlocked");
        plans.extend(page.rows.iter().map(|row| row.plan));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // A caseload of two hundred, a day of twelve visits, and of every tenth plan an approval that somebody asked for.
    for plan in plans.iter().step_by(plans.len() / 200) {
        app.take_on(*plan).expect("it is here");
    }
    for plan in plans.iter().step_by(plans.len() / 12) {
        let visit = NewVisit { day: "2020-01-01".to_owned(), time: None, note: "dressing".to_owned() };
        app.plan_visit(*plan, visit).expect("it is here");
    }
    let (took, ()) = time(|| {
        for plan in plans.iter().step_by(10) {
            let words = Answer::date("2020-01-01").expect("a day");
            let cpr = Leaf::new(Answer::uncoded("not recommended").expect("words"), Source::Observed);
            let fields = [("cpr.decision", cpr), ("cpr.review_date", Leaf::new(words, Source::Observed))];
            let fields = fields.map(|(key, leaf)| (key.to_owned(), leaf)).into();
            let mut draft = app.draft(*plan).expect("it is here");
            draft.decide(Section::Cpr, &fields, false).expect("a nurse decides");
            draft.commit().expect("a nurse may write");
        }
    });
    progress(&format!("a thousand decisions after {:.1} s", took.as_secs_f64()));
    let mut table = Table::default();
    let lists = Worklist::ALL.into_iter().filter(|list| *list != Worklist::Approval);
    let all = samples(|| {
        time(|| {
            let counts = app.worklist_counts().expect("unlocked");
            lists.clone().for_each(|list| drop(app.worklist(list, None, 50).expect("it is hers")));
            counts
        })
        .0
    });
    table.aim("the length of every list, and a page of each", ms(all.median()), "20 ms");
    let counts = samples(|| time(|| app.worklist_counts().expect("unlocked")).0);
    table.line("  of this, the lengths", ms(counts.median()));
    for list in lists {
        let page = samples(|| time(|| app.worklist(list, None, 50).expect("it is hers")).0);
        table.line(&format!("  a page of: {}", list.title()), ms(page.median()));
    }
    table.print(&format!("lists of work among {count} plans, median of {RUNS}"));
}

fn samples(mut run: impl FnMut() -> std::time::Duration) -> Samples {
    let mut samples = Samples::new();
    (0..RUNS).for_each(|_| samples.push_time(run()));
    samples
}
