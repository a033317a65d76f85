//! Runs fuzz targets without libFuzzer: `smoke [TARGET|all] [ITERATIONS] [SEED]`.
//!
//! Half of the inputs are random, half are mutated well-formed ones. The same seed makes the same inputs; a finding is
//! printed before the process ends with the target's panic. Files in `fuzz/corpus/<target>` are run first and mutated,
//! too.

use std::{env, fs, panic, path::Path, process::ExitCode, time::Instant};

use farcall_fuzz::{TARGETS, Target};
use fastrand::Rng;

/// Random inputs above this say little that shorter ones do not.
const LONGEST: usize = 512;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let name = arguments.first().map_or("all", String::as_str);
    let number = |index: usize, default: u64| arguments.get(index).map_or(Ok(default), |text| text.parse());
    let (Ok(iterations), Ok(seed)) = (number(1, 100_000), number(2, 42)) else {
        eprintln!("usage: smoke [TARGET|all] [ITERATIONS] [SEED]");
        return ExitCode::FAILURE;
    };
    let targets: Vec<_> = TARGETS
        .iter()
        .filter(|target| name == "all" || target.name == name)
        .collect();
    if targets.is_empty() {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("no target is called {name}; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    for target in targets {
        smoke(target, iterations, seed);
    }
    ExitCode::SUCCESS
}

fn smoke(target: &Target, iterations: u64, seed: u64) {
    let start = Instant::now();
    let mut rng = Rng::with_seed(seed);
    let mut seeds = (target.seeds)();
    seeds.extend(corpus(target.name));
    for input in &seeds {
        run(target, input);
    }
    for iteration in 0..iterations {
        let input = if iteration % 2 == 0 {
            let length = rng.usize(..LONGEST);
            random(&mut rng, length)
        } else {
            mutated(&mut rng, &seeds)
        };
        run(target, &input);
    }
    let elapsed = start.elapsed();
    println!(
        "{}: {} seeds and {iterations} inputs from seed {seed} without a finding in {elapsed:.1?}",
        target.name,
        seeds.len()
    );
}

fn run(target: &Target, input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(|| (target.run)(input)) {
        eprintln!("{}: finding on input {input:02x?}", target.name);
        panic::resume_unwind(cause);
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // The order of a folder differs between machines.
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

fn random(rng: &mut Rng, length: usize) -> Vec<u8> {
    // Small bytes are the likelier tags and lengths.
    let small = rng.bool();
    (0..length)
        .map(|_| if small { rng.u8(..8) } else { rng.u8(..) })
        .collect()
}

fn mutated(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..6) {
        let place = rng.usize(..=input.len());
        match rng.u8(..6) {
            0 => input.insert(place, rng.u8(..)),
            1 => input.truncate(place),
            2 => {
                let length = rng.usize(..16);
                let bytes = random(rng, length);
                input.splice(place..place, bytes);
            }
            3 => {
                let tail = rng
                    .choice(seeds)
                    .map_or(&[][..], |seed| &seed[rng.usize(..=seed.len())..]);
                input.truncate(place);
                input.extend_from_slice(tail);
            }
            4 => {
                if let Some(byte) = input.get_mut(place) {
                    *byte = *rng.choice(&[0, 1, 0x7F, 0x80, 251, 252, 253, 254, 255]).unwrap_or(&0);
                }
            }
            _ => {
                if let Some(byte) = input.get_mut(place) {
                    *byte ^= 1 << rng.u8(..8);
                }
            }
        }
    }
    input
}
