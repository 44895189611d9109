//! The life that the devices are led through: chosen by a seed, and checked at its end.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Failure, Process, Resources};

/// How many devices there are. The first stays up all the time, and is the one that is measured.
const DEVICES: usize = 4;
/// How much more the first may hold in the end than early on: a few connections' worth of files, threads and tasks.
const MORE_FILES: u64 = 32;
const MORE_THREADS: u64 = 16;
const MORE_TASKS: u64 = 64;
/// And of memory: what allocators keep, and more for each node than a graph takes.
const MORE_KIB: u64 = 24 * 1024;
const KIB_A_NODE: u64 = 2;
/// How long all have to come to the same in the end: the longest wait before a peer is dialled, several times.
const SETTLE: Duration = Duration::from_mins(3);

/// What a device is doing.
enum Life {
    Up(Process),
    /// Its process is there, and its worker is not.
    Resting(Process),
    /// Stopped by a signal, as a machine that sleeps.
    Asleep(Process),
    Dead,
}

struct Soak {
    seed: u64,
    random: u64,
    directory: PathBuf,
    lives: Vec<Life>,
    workspace: String,
    /// By device, how many nodes were given to it, and how many of them it said are durable.
    given: [u64; DEVICES],
    durable: [u64; DEVICES],
    deeds: [u64; 5],
}

/// Lives for that long, then checks. Says now and then how it goes.
pub(crate) fn live(minutes: u64, seed: u64) -> Result<(), Failure> {
    let home = tempfile::tempdir()?;
    let mut soak = Soak::begin(home.path().to_owned(), seed)?;
    let (start, length) = (Instant::now(), Duration::from_secs(minutes * 60));
    let mut early = None;
    let mut told = Instant::now();
    while start.elapsed() < length {
        soak.step()?;
        if early.is_none() && start.elapsed() > length / 5 {
            early = Some(soak.measure()?);
        }
        if told.elapsed() > Duration::from_secs(20) {
            told = Instant::now();
            soak.tell(start.elapsed())?;
        }
    }
    soak.settle()?;
    let (before, after) = (early.ok_or("it was too short to measure")?, soak.measure()?);
    println!("early: {before:?}\nlate:  {after:?}");
    before.allows(&after)?;
    soak.end()
}

/// What the first device holds, and how much of that is its work.
#[derive(Debug, Clone, Copy)]
struct Measured {
    resources: Resources,
    tasks: u64,
    nodes: u64,
}

impl Measured {
    fn allows(&self, later: &Self) -> Result<(), Failure> {
        let memory = self.resources.memory_kib + MORE_KIB + (later.nodes - self.nodes) * KIB_A_NODE;
        for (what, now, most) in [
            ("memory", later.resources.memory_kib, memory),
            ("files", later.resources.files, self.resources.files + MORE_FILES),
            ("threads", later.resources.threads, self.resources.threads + MORE_THREADS),
            ("tasks", later.tasks, self.tasks + MORE_TASKS),
        ] {
            if now > most {
                return Err(format!("{what} grew to {now}, and may be {most}").into());
            }
        }
        Ok(())
    }
}

impl Soak {
    fn begin(directory: PathBuf, seed: u64) -> Result<Self, Failure> {
        let mut soak = Self {
            seed,
            random: seed,
            directory,
            lives: Vec::new(),
            workspace: String::new(),
            given: [0; DEVICES],
            durable: [0; DEVICES],
            deeds: [0; 5],
        };
        let mut selves = Vec::new();
        for number in 0..DEVICES {
            let (process, told) = soak.start(number)?;
            soak.lives.push(Life::Up(process));
            selves.push(told.strip_prefix("up ").ok_or("a device is not up")?.to_owned());
        }
        for (one, another) in (0..DEVICES).flat_map(|one| (one + 1..DEVICES).map(move |another| (one, another))) {
            for (me, peer, side) in [(one, another, "showing"), (another, one, "joining")] {
                let peer = selves.get(peer).ok_or("no such device")?;
                soak.ask(me, &format!("pair {peer} {side}"))?;
            }
        }
        let founded = soak.ask(0, "found soak")?;
        founded.strip_prefix("workspace ").ok_or("no workspace")?.clone_into(&mut soak.workspace);
        for number in 0..DEVICES {
            soak.commit_first(number)?;
        }
        Ok(soak)
    }

    /// Commits a node as soon as the device may: it has to have the workspace, and to be vouched for.
    fn commit_first(&mut self, number: usize) -> Result<(), Failure> {
        let (order, start) = (format!("commit {} 0 1", self.workspace), Instant::now());
        while let Err(error) = self.ask(number, &order) {
            if start.elapsed() > SETTLE {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        for counts in [&mut self.given, &mut self.durable] {
            *counts.get_mut(number).ok_or("no such device")? = 1;
        }
        Ok(())
    }

    fn start(&self, number: usize) -> Result<(Process, String), Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let directory = self.directory.join(format!("device-{number}"));
        command.arg("device").arg((number + 1).to_string()).arg(directory);
        Process::start(command)
    }

    /// `SplitMix64` (Steele, Lea and Flood 2014).
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn life(&mut self, number: usize) -> Result<&mut Life, Failure> {
        self.lives.get_mut(number).ok_or_else(|| "no such device".into())
    }

    fn ask(&mut self, number: usize, order: &str) -> Result<String, Failure> {
        let Life::Up(process) = self.life(number)? else { return Err("the device is not up".into()) };
        let answer = process.ask(order)?;
        match answer.strip_prefix("failed ") {
            Some(why) => Err(format!("device {number} failed to {order}: {why}").into()),
            None => Ok(answer),
        }
    }

    /// Does one thing to one device.
    fn step(&mut self) -> Result<(), Failure> {
        std::thread::sleep(Duration::from_millis(20 + self.below(300)));
        let number = usize::try_from(self.below(4))? % DEVICES;
        let choice = self.below(10);
        let life = std::mem::replace(self.life(number)?, Life::Dead);
        let next = match (life, choice) {
            (Life::Up(process), 0..6) => self.commit(number, process, Fate::Lives)?,
            (Life::Up(process), _) if number == 0 => Life::Up(process),
            (Life::Up(mut process), 6) => {
                self.count(1);
                let down = process.ask("down")?;
                if !down.starts_with("down ") {
                    return Err(format!("device {number} did not end well: {down}").into());
                }
                Life::Resting(process)
            }
            (Life::Up(process), 7) => {
                self.count(2);
                process.signal("STOP")?;
                Life::Asleep(process)
            }
            (Life::Up(process), 8) => self.commit(number, process, Fate::Killed)?,
            (Life::Up(process), _) => {
                self.count(3);
                process.kill()?;
                Life::Dead
            }
            (life, 0..4) => life,
            (life, _) => self.wake(number, life)?,
        };
        *self.life(number)? = next;
        Ok(())
    }

    fn wake(&mut self, number: usize, life: Life) -> Result<Life, Failure> {
        self.count(4);
        Ok(match life {
            Life::Up(process) => Life::Up(process),
            Life::Resting(mut process) => {
                let up = process.ask("up")?;
                if !up.starts_with("up ") {
                    return Err(format!("device {number} did not come up: {up}").into());
                }
                Life::Up(process)
            }
            Life::Asleep(process) => {
                process.signal("CONT")?;
                Life::Up(process)
            }
            Life::Dead => Life::Up(self.start(number)?.0),
        })
    }

    fn commit(&mut self, number: usize, mut process: Process, fate: Fate) -> Result<Life, Failure> {
        self.count(0);
        let count = 1 + self.below(8);
        let given = self.given.get_mut(number).ok_or("no such device")?;
        let order = format!("commit {} {given} {count}", self.workspace);
        *given += count;
        if fate == Fate::Killed {
            // Somewhere in the middle of it.
            process.order(&order)?;
            std::thread::sleep(Duration::from_millis(self.below(8)));
            process.kill()?;
            return Ok(Life::Dead);
        }
        let answer = process.ask(&order)?;
        if answer == format!("durable {count}") {
            *self.durable.get_mut(number).ok_or("no such device")? += count;
        } else {
            return Err(format!("device {number}: {answer}").into());
        }
        Ok(Life::Up(process))
    }

    fn count(&mut self, deed: usize) {
        if let Some(count) = self.deeds.get_mut(deed) {
            *count += 1;
        }
    }

    fn state(&mut self, number: usize) -> Result<Vec<String>, Failure> {
        let order = format!("state {}", self.workspace);
        Ok(self.ask(number, &order)?.split(' ').skip(1).map(str::to_owned).collect())
    }

    fn measure(&mut self) -> Result<Measured, Failure> {
        let state = self.state(0)?;
        let figure = |at: usize| state.get(at).and_then(|figure| figure.parse().ok()).ok_or("a figure is missing");
        let (nodes, tasks) = (figure(0)?, figure(3)?);
        let Life::Up(process) = self.life(0)? else { return Err("the first device is not up".into()) };
        Ok(Measured { resources: process.resources()?, tasks, nodes })
    }

    fn tell(&mut self, elapsed: Duration) -> Result<(), Failure> {
        let Measured { resources, tasks, nodes } = self.measure()?;
        let [commits, rests, sleeps, kills, wakes] = self.deeds;
        println!(
            "{:>5} s  {nodes} nodes, {commits} commits, {rests} ends, {sleeps} sleeps, {kills} kills, {wakes} wakes; \
             {} KiB, {} files, {} threads, {tasks} tasks",
            elapsed.as_secs(),
            resources.memory_kib,
            resources.files,
            resources.threads
        );
        Ok(())
    }

    /// Lets all come back, and waits until they show the same.
    fn settle(&mut self) -> Result<(), Failure> {
        for number in 0..DEVICES {
            let life = std::mem::replace(self.life(number)?, Life::Dead);
            *self.life(number)? = self.wake(number, life)?;
        }
        let start = Instant::now();
        loop {
            let mut states = Vec::new();
            for number in 0..DEVICES {
                states.push(self.state(number)?);
            }
            let shown = |state: &Vec<String>| (state.first().cloned(), state.get(1).cloned());
            let all_alike = states.windows(2).all(|pair| pair.first().map(shown) == pair.last().map(shown));
            let in_step = (DEVICES - 1).to_string();
            if all_alike && states.iter().all(|state| state.get(2) == Some(&in_step)) {
                return self.check(&states, start.elapsed());
            }
            if start.elapsed() > SETTLE {
                return Err(format!("they don't come to the same (seed {}): {states:#?}", self.seed).into());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Nothing that was said to be durable is missing, nothing is there that nobody wrote, and nothing ended by a defect.
    fn check(&self, states: &[Vec<String>], took: Duration) -> Result<(), Failure> {
        let nodes: u64 = states.first().and_then(|state| state.first()).ok_or("no state")?.parse()?;
        let (durable, given): (u64, u64) = (self.durable.iter().sum(), self.given.iter().sum());
        println!(
            "all equal after {:.1} s: {nodes} nodes, of {durable} that were durable and {given} that were given",
            took.as_secs_f64()
        );
        if nodes < durable || nodes > given {
            return Err("nodes are missing, or too many".into());
        }
        if states.iter().any(|state| state.get(4).is_none_or(|crashes| crashes != "0")) {
            return Err(format!("something ended by a defect: {states:?}").into());
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        for number in 0..DEVICES {
            let ended = self.ask(number, "end")?;
            println!("device {number}: {ended} ms");
        }
        Ok(())
    }
}

/// What becomes of a device while it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lives,
    Killed,
}
