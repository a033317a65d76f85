//! The ends of channels as values: in arguments, results and items, alone and inside other types, over every transport.

use farcall::{
    Code, Error, Outcome, Result, Server,
    channel::{Receiver, Sender, channel, watch},
};
use farcall_tests::{Gate, Site, TestResult, Transport, assert_fails, over_every_socket, over_every_transport};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

/// A question with the way back for its answers.
#[derive(Serialize, Deserialize)]
struct Question {
    numbers: Vec<u32>,
    answers: Option<Sender<u32>>,
}

#[farcall::service]
trait Exchange {
    async fn sum(&self, numbers: Receiver<u32>) -> Result<u32>;
    /// Sends behind the end of the call.
    async fn count_into(&self, to: u32, numbers: Sender<u32>);
    async fn count(&self, to: u32) -> Result<Receiver<u32>>;
    async fn adder(&self) -> (Sender<u32>, Receiver<u32>);
    async fn ask(&self, questions: Vec<Question>) -> Result<usize>;
    async fn lines(&self, channels: Receiver<Receiver<String>>) -> Result<Vec<String>>;
    async fn replies(&self, questions: Receiver<Question>) -> Result<usize>;
    /// Gives back what it is given, which would leave no end in between.
    async fn echo(&self, numbers: Receiver<u32>) -> Result<Receiver<u32>>;
    async fn hold(&self, numbers: Sender<u32>) -> Result<()>;
    /// Sends as much as is taken.
    async fn fill(&self, numbers: Sender<u32>) -> Result<()>;
    async fn temperature(&self) -> watch::Receiver<u32>;
    async fn heat(&self, by: u32);
    async fn ping(&self) -> Result<u32>;
}

#[derive(Clone)]
struct Market {
    gate: Gate,
    temperature: std::sync::Arc<watch::Sender<u32>>,
}

impl Market {
    fn new() -> Self {
        Self {
            gate: Gate::new(),
            temperature: std::sync::Arc::new(watch::channel(20).0),
        }
    }

    fn server(&self) -> Server {
        Server::new().service(ExchangeServer::new(self.clone()))
    }
}

/// Sends `0..to` and ends well.
fn counting(to: u32, numbers: Sender<u32>) -> JoinHandle<Result<()>> {
    tokio::spawn(async move {
        for number in 0..to {
            numbers.send(number).await?;
        }
        numbers.finish();
        Ok(())
    })
}

impl Exchange for Market {
    async fn sum(&self, numbers: Receiver<u32>) -> Result<u32> {
        numbers.try_fold(0, |sum, number| async move { Ok(sum + number) }).await
    }
    async fn count_into(&self, to: u32, numbers: Sender<u32>) {
        counting(to, numbers);
    }
    async fn count(&self, to: u32) -> Result<Receiver<u32>> {
        let (sender, receiver) = channel();
        counting(to, sender);
        Ok(receiver)
    }
    async fn adder(&self) -> (Sender<u32>, Receiver<u32>) {
        let (numbers, mut added) = channel::<u32>();
        let (sums, sum) = channel();
        tokio::spawn(async move {
            let mut sum = 0;
            while let Some(number) = added.recv().await {
                sum += number?;
                sums.send(sum).await?;
            }
            sums.finish();
            Ok::<_, Error>(())
        });
        (numbers, sum)
    }
    async fn ask(&self, questions: Vec<Question>) -> Result<usize> {
        let mut answered = 0;
        for question in questions {
            let Some(answers) = question.answers else { continue };
            for number in question.numbers {
                answers.send(number * 2).await?;
            }
            answers.finish();
            answered += 1;
        }
        Ok(answered)
    }
    async fn lines(&self, mut channels: Receiver<Receiver<String>>) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        while let Some(channel) = channels.recv().await {
            lines.extend(channel?.try_collect::<Vec<_>>().await?);
        }
        Ok(lines)
    }
    async fn replies(&self, questions: Receiver<Question>) -> Result<usize> {
        questions
            .try_fold(
                0,
                |sum, question| async move { Ok(sum + self.ask(vec![question]).await?) },
            )
            .await
    }
    async fn echo(&self, numbers: Receiver<u32>) -> Result<Receiver<u32>> {
        Ok(numbers)
    }
    async fn hold(&self, numbers: Sender<u32>) -> Result<()> {
        numbers.send(1).await?;
        self.gate.pass().await;
        Ok(())
    }
    async fn fill(&self, numbers: Sender<u32>) -> Result<()> {
        loop {
            numbers.send(1).await?;
        }
    }
    async fn temperature(&self) -> watch::Receiver<u32> {
        self.temperature.subscribe()
    }
    async fn heat(&self, by: u32) {
        let now = *self.temperature.latest();
        self.temperature.send(now + by);
    }
    async fn ping(&self) -> Result<u32> {
        Ok(7)
    }
}

over_every_transport!(
    a_receiver_as_an_argument,
    a_sender_as_an_argument,
    ends_in_results,
    ends_inside_other_types,
    channels_in_items,
    a_sender_dropped_without_a_word,
    a_failure_with_a_reason,
    a_receiver_dropped,
    a_reason_to_take_no_more,
    a_handler_dropped_with_its_sender,
    an_end_that_belongs_to_a_connection_stays_there,
    an_end_that_was_sent_is_gone,
    what_is_never_sent_is_as_if_dropped,
    a_value_that_changes,
);
over_every_socket!(a_channel_keeps_its_connection, a_lost_connection);

async fn site(transport: Transport) -> Result<(Market, ExchangeClient, Site)> {
    let market = Market::new();
    let site = transport.serve(market.server()).await?;
    let client = ExchangeClient::new(site.channel.clone());
    Ok((market, client, site))
}

async fn a_receiver_as_an_argument(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel();
    // What is sent before the call goes with it.
    sender.send(1000).await?;
    let counted = counting(1000, sender);
    assert_eq!(client.sum(receiver).await?, 500_500);
    counted.await??;
    Ok(())
}

async fn a_sender_as_an_argument(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel();
    client.count_into(3000, sender).await?;
    assert_eq!(receiver.try_collect::<Vec<_>>().await?, (0..3000).collect::<Vec<_>>());
    Ok(())
}

async fn ends_in_results(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    assert_eq!(client.count(5).await?.try_collect::<Vec<_>>().await?, [0, 1, 2, 3, 4]);
    let (numbers, mut sums) = client.adder().await?;
    for (number, sum) in [(3, 3), (4, 7), (5, 12)] {
        numbers.send(number).await?;
        assert_eq!(sums.recv().await, Some(Ok(sum)));
    }
    numbers.finish();
    assert_eq!(sums.recv().await, None);
    Ok(())
}

async fn ends_inside_other_types(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (first, one) = channel();
    let (second, two) = channel();
    let question = |numbers: &[u32], answers| Question {
        numbers: numbers.to_vec(),
        answers,
    };
    let questions = vec![
        question(&[1, 2], Some(first)),
        question(&[9], None),
        question(&[3], Some(second)),
    ];
    assert_eq!(client.ask(questions).await?, 2);
    assert_eq!(one.try_collect::<Vec<_>>().await?, [2, 4]);
    assert_eq!(two.try_collect::<Vec<_>>().await?, [6]);
    Ok(())
}

async fn channels_in_items(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (channels, inside) = channel();
    let sent = tokio::spawn(async move {
        for text in ["one", "two", "three"] {
            let (lines, receiver) = channel();
            channels.send(receiver).await?;
            lines.send(text.to_owned()).await?;
            lines.finish();
        }
        channels.finish();
        Ok::<_, Error>(())
    });
    assert_eq!(client.lines(inside).await?, ["one", "two", "three"]);
    sent.await??;

    let (questions, asked) = channel();
    let replied = tokio::spawn(client.replies(asked));
    for number in 0..20 {
        let (answers, mut answer) = channel();
        let question = Question {
            numbers: vec![number],
            answers: Some(answers),
        };
        questions.send(question).await?;
        assert_eq!(answer.recv().await, Some(Ok(number * 2)));
    }
    questions.finish();
    assert_eq!(replied.await??, 20);
    Ok(())
}

async fn a_sender_dropped_without_a_word(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel();
    let sum = tokio::spawn(client.sum(receiver));
    sender.send(1).await?;
    drop(sender);
    assert_fails(
        sum.await?,
        Code::Aborted,
        Outcome::Executed,
        &["the sender was dropped before it finished"],
    );
    Ok(())
}

async fn a_failure_with_a_reason(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel();
    let sum = tokio::spawn(client.sum(receiver));
    sender.send(1).await?;
    sender.fail(Error::out_of_range("no such number"));
    assert_fails(sum.await?, Code::OutOfRange, Outcome::Executed, &["no such number"]);
    Ok(())
}

async fn a_receiver_dropped(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (numbers, sums) = client.adder().await?;
    drop(sums);
    // The first sum has no receiver, and then the adder needs no more numbers.
    let mut refused = Ok(());
    while refused.is_ok() {
        refused = numbers.send(1).await;
    }
    assert_eq!(refused.expect_err("nobody receives").code(), Code::Cancelled);
    assert_eq!(numbers.closed().await.code(), Code::Cancelled);
    assert!(numbers.is_closed());
    Ok(())
}

async fn a_reason_to_take_no_more(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, mut receiver) = channel();
    let filled = tokio::spawn(client.fill(sender));
    assert_eq!(receiver.recv().await, Some(Ok(1)));
    receiver.close(Error::out_of_range("too many"));
    assert_fails(
        filled.await?,
        Code::OutOfRange,
        Outcome::Executed,
        &["Exchange.fill", "too many"],
    );
    // Before it was sent.
    let (sender, receiver) = channel();
    receiver.close(Error::out_of_range("none at all"));
    assert_fails(
        client.fill(sender).await,
        Code::OutOfRange,
        Outcome::Executed,
        &["Exchange.fill", "none at all"],
    );
    Ok(())
}

async fn a_handler_dropped_with_its_sender(transport: Transport) -> TestResult {
    let (market, client, _site) = site(transport).await?;
    let (sender, mut receiver) = channel();
    let held = tokio::spawn(client.hold(sender));
    assert_eq!(receiver.recv().await, Some(Ok(1)));
    market.gate.entered().await;
    held.abort();
    let broken = receiver.recv().await.expect("an error");
    assert_eq!(broken.expect_err("an error").code(), Code::Aborted);
    assert_eq!(receiver.recv().await, None);
    Ok(())
}

async fn an_end_that_belongs_to_a_connection_stays_there(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel();
    let refused = client.echo(receiver).await;
    let parts = ["Exchange.echo", "the result cannot be encoded", "pass its items on"];
    assert_fails(refused, Code::Internal, Outcome::Executed, &parts);
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
    let numbers = client.count(5).await?;
    let refused = client.sum(numbers).await;
    assert_fails(
        refused,
        Code::InvalidArgument,
        Outcome::NotExecuted,
        &["pass its items on"],
    );
    Ok(())
}

async fn an_end_that_was_sent_is_gone(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel::<u32>();
    let call = client.sum(receiver);
    let (other, mut gone) = channel();
    let arguments = Question {
        numbers: Vec::new(),
        answers: Some(other),
    };
    assert_eq!(client.ask(vec![arguments]).await?, 1);
    assert_eq!(gone.recv().await, None);
    sender.send(3).await?;
    sender.finish();
    assert_eq!(call.await?, 3);
    Ok(())
}

async fn what_is_never_sent_is_as_if_dropped(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let (sender, receiver) = channel::<u32>();
    drop(client.sum(receiver));
    assert_eq!(sender.closed().await.code(), Code::Cancelled);
    let (sender, mut receiver) = channel();
    drop(client.hold(sender));
    assert_eq!(
        receiver.recv().await.expect("an error").expect_err("an error").code(),
        Code::Aborted
    );
    assert_eq!(client.ping().await?, 7);
    Ok(())
}

async fn a_value_that_changes(transport: Transport) -> TestResult {
    let (_, client, _site) = site(transport).await?;
    let mut temperature = client.temperature().await?;
    assert_eq!(*temperature.latest(), 20);
    for _ in 0..10 {
        client.heat(1).await?;
    }
    while *temperature.latest() < 30 {
        temperature.changed().await?;
    }
    Ok(())
}

/// A channel outlives the call, the client and the channel that it came over.
async fn a_channel_keeps_its_connection(transport: Transport) -> TestResult {
    let (_, client, site) = site(transport).await?;
    let lone = ExchangeClient::new(site.connect().await?);
    let (numbers, mut sums) = lone.adder().await?;
    drop(lone);
    assert_eq!(client.ping().await?, 7);
    numbers.send(5).await?;
    assert_eq!(sums.recv().await, Some(Ok(5)));
    numbers.finish();
    assert_eq!(sums.recv().await, None);
    Ok(())
}

async fn a_lost_connection(transport: Transport) -> TestResult {
    let (_, client, mut site) = site(transport).await?;
    let (numbers, mut sums) = client.adder().await?;
    numbers.send(5).await?;
    assert_eq!(sums.recv().await, Some(Ok(5)));
    site.stop_server();
    let lost = sums.recv().await.expect("an error, not the end").expect_err("an error");
    assert!(
        [Code::Unavailable, Code::Aborted, Code::Cancelled].contains(&lost.code()),
        "{lost}"
    );
    assert_eq!(sums.recv().await, None);
    numbers.closed().await;
    Ok(())
}

/// In the process both ends are what they are.
#[tokio::test]
async fn a_local_client() -> TestResult {
    let client = ExchangeClient::local(Market::new());
    let (sender, receiver) = channel();
    counting(100, sender);
    assert_eq!(client.sum(receiver).await?, 4950);
    let (sender, receiver) = channel();
    counting(3, sender);
    let echoed = client.echo(client.echo(receiver).await?).await?;
    assert_eq!(echoed.try_collect::<Vec<_>>().await?, [0, 1, 2]);
    let (sender, receiver) = channel();
    client.count_into(4, sender).await?;
    assert_eq!(receiver.count().await, 4);
    Ok(())
}

/// There is nothing to serialise but messages of calls.
#[test]
fn elsewhere_there_is_no_form_of_it() {
    let (sender, receiver) = channel::<u32>();
    let refused = bincode::serde::encode_to_vec(&receiver, bincode::config::standard()).expect_err("no message");
    assert!(
        refused
            .to_string()
            .contains("can only be serialised into the arguments, results and items of calls"),
        "{refused}"
    );
    // It stayed.
    assert!(!sender.is_closed());
    drop(receiver);
    assert!(sender.is_closed());
}
