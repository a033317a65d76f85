//! Streams, channels, callbacks and references over a network that delays, loses, narrows, cuts and falls silent: every
//! item comes once and in order, or an error does; a broken stream never looks complete; nothing is left
//! behind; and the same seed gives the same run.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use farcall::{
    Channel, Code, Error, Limits, Outcome, Result, Server,
    channel::{self, Receiver, Sender},
    stream::Stream,
    testing::{Delivery, Network},
};
use farcall_tests::{TestResult, seeds};
use fastrand::Rng;
use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use tokio::time::{sleep, timeout};

const JOBS: u64 = 12;
/// One seed of so many is run a second time.
const TWICE: u64 = 4;
/// More than anything may take, faults included.
const FAR: Duration = Duration::from_secs(3600);

#[farcall::service]
trait Shapes {
    fn down(&self, count: u64, seed: u64) -> impl Stream<Item = Result<Vec<u8>>>;
    async fn up(&self, job: u64, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<u64>;
    async fn echo(&self, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<impl Stream<Item = Result<Vec<u8>>>>;
    /// A channel whose sender stays.
    async fn open(&self, count: u64, seed: u64) -> Result<Receiver<Vec<u8>>>;
    /// A channel whose sender goes away.
    async fn collect(&self, job: u64, items: Receiver<Vec<u8>>) -> Result<()>;
    /// So many streams of so many items, as the items of a stream.
    async fn nested(&self, count: u64, seed: u64) -> Result<Receiver<Receiver<Vec<u8>>>>;
    async fn counter(&self) -> Result<CounterClient>;
    /// Has `counter` count so often.
    async fn call_back(&self, counter: CounterClient, times: u64) -> Result<u64>;
    async fn same(&self, counter: CounterClient) -> Result<CounterClient>;
}

#[farcall::service]
trait Counter {
    /// 1, 2, 3 and so on.
    async fn next(&self) -> Result<u64>;
}

/// What is left of one run. Clones are one.
#[derive(Clone, Default)]
struct Book(Arc<Shared>);

#[derive(Default)]
struct Shared {
    alive: AtomicU64,
    /// What came to the server in streams that ended well, by job.
    ended: Mutex<HashMap<u64, u64>>,
}

/// Something that must be gone in the end.
struct Alive(Book);

impl Book {
    fn alive(&self) -> Alive {
        self.0.alive.fetch_add(1, Ordering::Relaxed);
        Alive(self.clone())
    }

    fn counter(&self) -> Steps {
        Steps {
            next: AtomicU64::new(0),
            _alive: self.alive(),
        }
    }

    fn ended_well(&self, job: u64, count: u64) {
        let mut ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(ended.insert(job, count), None, "job {job} ended twice");
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Steps {
    next: AtomicU64,
    _alive: Alive,
}

impl Counter for Steps {
    async fn next(&self) -> Result<u64> {
        Ok(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// Items that begin with their numbers, with pauses between some of them.
fn items(alive: Alive, count: u64, seed: u64) -> impl Stream<Item = Result<Vec<u8>>> + Send + 'static {
    let state = (0, Rng::with_seed(seed), alive);
    stream::unfold(state, move |(number, mut random, alive)| async move {
        if number == count {
            return None;
        }
        rest(&mut random).await;
        let length = if random.u32(0..8) == 0 { 30_000 } else { 200 };
        let mut item = vec![7; random.usize(8..length)];
        item[..8].copy_from_slice(&number.to_le_bytes());
        Some((Ok(item), (number + 1, random, alive)))
    })
}

async fn rest(random: &mut Rng) {
    if random.u32(0..4) == 0 {
        sleep(Duration::from_millis(random.u64(0..60))).await;
    }
}

/// Reads all, and fails the test at the first item that is not the next one; says how many came before the stream ended
/// well.
async fn read(items: impl Stream<Item = Result<Vec<u8>>>, seed: u64) -> Result<u64> {
    let mut random = Rng::with_seed(seed);
    let mut items = pin!(items);
    let mut next = 0;
    while let Some(item) = items.try_next().await? {
        let number = item.first_chunk().map(|number| u64::from_le_bytes(*number));
        assert_eq!(number, Some(next), "items in order, and each once");
        next += 1;
        rest(&mut random).await;
    }
    Ok(next)
}

/// Sends all; an error says that they are not wanted.
async fn send(sender: Sender<Vec<u8>>, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<()> {
    let mut items = pin!(items);
    while let Some(item) = items.try_next().await? {
        sender.send(item).await?;
    }
    sender.finish();
    Ok(())
}

impl Shapes for Book {
    fn down(&self, count: u64, seed: u64) -> impl Stream<Item = Result<Vec<u8>>> {
        items(self.alive(), count, seed)
    }

    async fn up(&self, job: u64, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<u64> {
        let _alive = self.alive();
        let count = read(items, job).await?;
        self.ended_well(job, count);
        Ok(count)
    }

    async fn echo(&self, items: impl Stream<Item = Result<Vec<u8>>>) -> Result<impl Stream<Item = Result<Vec<u8>>>> {
        let alive = self.alive();
        Ok(items.inspect(move |_| _ = &alive))
    }

    async fn open(&self, count: u64, seed: u64) -> Result<Receiver<Vec<u8>>> {
        let (sender, receiver) = channel::channel();
        tokio::spawn(send(sender, items(self.alive(), count, seed)));
        Ok(receiver)
    }

    async fn collect(&self, job: u64, items: Receiver<Vec<u8>>) -> Result<()> {
        let (book, alive) = (self.clone(), self.alive());
        tokio::spawn(async move {
            if let Ok(count) = read(items, job).await {
                book.ended_well(job, count);
            }
            drop(alive);
        });
        Ok(())
    }

    async fn nested(&self, count: u64, seed: u64) -> Result<Receiver<Receiver<Vec<u8>>>> {
        let (sender, receiver) = channel::channel();
        let (book, alive) = (self.clone(), self.alive());
        tokio::spawn(async move {
            for index in 0..count {
                let (inner, items_of_inner) = channel::channel();
                tokio::spawn(send(inner, items(book.alive(), count, seed + index)));
                sender.send(items_of_inner).await?;
            }
            sender.finish();
            drop(alive);
            Ok::<_, Error>(())
        });
        Ok(receiver)
    }

    async fn counter(&self) -> Result<CounterClient> {
        Ok(CounterClient::local(self.counter()))
    }

    async fn call_back(&self, counter: CounterClient, times: u64) -> Result<u64> {
        let _alive = self.alive();
        count(&counter, 0, times).await
    }

    async fn same(&self, counter: CounterClient) -> Result<CounterClient> {
        Ok(counter)
    }
}

/// Counts on from `from`.
async fn count(counter: &CounterClient, from: u64, times: u64) -> Result<u64> {
    for expected in from + 1..=from + times {
        assert_eq!(counter.next().await?, expected, "each call runs once");
    }
    Ok(from + times)
}

/// One use of the service, checked; says how much of it worked.
async fn job(client: &ShapesClient, book: &Book, job: u64, mut random: Rng) -> Result<u64> {
    sleep(Duration::from_millis(random.u64(0..3000))).await;
    let (amount, seed) = (random.u64(0..50), random.u64(..1 << 60));
    let mine = |book: &Book| items(book.alive(), amount, seed);
    let worked = match random.u32(0..10) {
        0 => read(client.down(amount, seed), seed).await?,
        1 => client.up(job, mine(book)).await?,
        2 => read(client.echo(mine(book)).await?, seed).await?,
        3 => read(client.open(amount, seed).await?, seed).await?,
        4 => return collected(client, book, job, mine(book)).await,
        5 => return nested(client, amount % 8, seed).await,
        6 => count(&client.counter().await?, 0, amount).await?,
        7 => client.call_back(CounterClient::local(book.counter()), amount).await?,
        8 => return returned(client, book).await,
        _ => return left_early(client, amount, seed).await,
    };
    assert_eq!(worked, amount, "what ended well is whole");
    Ok(worked)
}

async fn collected(
    client: &ShapesClient,
    book: &Book,
    job: u64,
    items: impl Stream<Item = Result<Vec<u8>>>,
) -> Result<u64> {
    let (sender, receiver) = channel::channel();
    client.collect(job, receiver).await?;
    let sent = std::cell::Cell::new(0);
    let counted = items.inspect(|_| sent.set(sent.get() + 1));
    let half_way = Rng::with_seed(job).u32(0..3) == 0;
    if half_way {
        // Dropped without a word that it is finished.
        let mut counted = pin!(counted.take(3));
        while let Some(item) = counted.try_next().await? {
            sender.send(item).await?;
        }
        drop(sender);
        sleep(Duration::from_secs(30)).await;
        let ended = book.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(!ended.contains_key(&job), "half a stream passed for a whole one");
        return Ok(sent.get());
    }
    send(sender, counted).await?;
    Ok(sent.get())
}

async fn nested(client: &ShapesClient, count: u64, seed: u64) -> Result<u64> {
    let mut streams = client.nested(count, seed).await?;
    let mut whole = 0;
    while let Some(items) = streams.recv().await {
        assert_eq!(read(items?, seed).await?, count);
        whole += 1;
    }
    assert_eq!(whole, count);
    Ok(whole)
}

async fn returned(client: &ShapesClient, book: &Book) -> Result<u64> {
    let mine = CounterClient::local(book.counter());
    let back = client.same(mine.clone()).await?;
    // It is the object itself again, and needs no network.
    assert_eq!((mine.next().await?, back.next().await?), (1, 2));
    let theirs = client.counter().await?;
    let same = client.same(theirs.clone()).await?;
    assert_eq!((theirs.next().await?, same.next().await?), (1, 2));
    client.call_back(theirs.clone(), 0).await?;
    theirs.next().await
}

async fn left_early(client: &ShapesClient, amount: u64, seed: u64) -> Result<u64> {
    let some = client.down(1_000_000, seed).take(amount as usize);
    read(some, seed).await
}

/// What a run can be compared by.
#[derive(Debug, PartialEq)]
struct Run {
    trace: Vec<Delivery>,
    jobs: Vec<Result<u64>>,
}

fn network(seed: u64, random: &mut Rng) -> Network {
    let shortest = random.u64(0..30);
    let network = Network::seeded(seed)
        .delay(shortest..shortest + random.u64(0..50))
        .buffer(random.usize(2000..300_000));
    let network = if random.bool() {
        network.loss(0.1 * random.f64())
    } else {
        network
    };
    if random.bool() {
        network.bandwidth(random.u64(100_000..10_000_000))
    } else {
        network
    }
}

async fn faults(network: &Network, mut random: Rng) {
    for _ in 0..random.u32(0..4) {
        sleep(Duration::from_millis(random.u64(1..2500))).await;
        match random.u32(0..4) {
            0 => network.cut(),
            1 => network.reset(),
            2 => network.half_open(),
            _ => {
                network.partition();
                sleep(Duration::from_millis(random.u64(1..8000))).await;
                network.heal();
            }
        }
    }
}

async fn jobs(seed: u64) -> TestResult<Run> {
    let mut random = Rng::with_seed(seed);
    let network = network(seed, &mut random);
    let book = Book::default();
    let window = random.usize(16 << 10..64 << 10);
    let limits = Limits::default()
        .stream_window(window)
        .max_stream_window(window * random.usize(1..4))
        .keepalive(Duration::from_secs(2))
        .write_stall(Duration::from_secs(5));
    let server = Server::new()
        .service(ShapesServer::new(book.clone()))
        .limits(limits.clone())
        .listen(format!("mem://stream-network-{seed}").as_str())
        .await?;
    let options = Channel::builder().limits(limits).timeout(Duration::from_secs(60));
    let client = ShapesClient::new(network.channel(&server, options));

    let work = join_all((0..JOBS).map(|number| {
        let random = random.fork();
        let (client, book) = (&client, &book);
        async move {
            let job = timeout(FAR, job(client, book, number, random)).await;
            job.unwrap_or_else(|_| panic!("job {number} of seed {seed} never ends"))
        }
    }));
    let (jobs, ()) = tokio::join!(work, faults(&network, Rng::with_seed(seed + 1)));
    for error in jobs.iter().filter_map(|job| job.as_ref().err()) {
        let allowed = match error.code() {
            // The channel has dialled again, and a reference was to go back over another connection than it came.
            Code::FailedPrecondition => error.outcome() == Outcome::NotExecuted,
            code => matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Aborted),
        };
        assert!(allowed, "{error}");
    }
    // A network that works again carries streams, after any faults.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        read(client.down(20, seed), seed)
            .await
            .map_err(|error| error.to_string()),
        Ok(20)
    );
    drop(client);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(book.0.alive.load(Ordering::Relaxed), 0, "something is left behind");
    Ok(Run {
        trace: network.trace(),
        jobs,
    })
}

fn run(seed: u64) -> TestResult<Run> {
    // The distance between attempts to connect is drawn from here.
    fastrand::seed(seed);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?
        .block_on(jobs(seed))
        .map_err(|error| format!("seed {seed}: {error}").into())
}

/// Runs a seed, and now and then a second time; says how many jobs worked and how many failed.
fn attempt(seed: u64) -> TestResult<(usize, usize)> {
    let first = run(seed)?;
    let worked = first.jobs.iter().filter(|job| job.is_ok()).count();
    if seed.is_multiple_of(TWICE) {
        let second = run(seed)?;
        let differs = first
            .trace
            .iter()
            .zip(&second.trace)
            .position(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(first.trace.len(), second.trace.len(), "seed {seed}");
        assert_eq!(first.jobs, second.jobs, "seed {seed}");
    }
    Ok((worked, first.jobs.len() - worked))
}

#[test]
fn every_stream_ends_truly_and_the_same_way_twice() -> TestResult {
    let seeds = seeds::wanted()?;
    let least = (seeds.end - seeds.start) as usize;
    let counts = seeds::each(seeds, attempt)?;
    let worked: usize = counts.iter().map(|(worked, _)| worked).sum();
    let failed: usize = counts.iter().map(|(_, failed)| failed).sum();
    assert!(
        worked > least && failed >= least / 4,
        "{worked} worked and {failed} failed"
    );
    Ok(())
}
