//! Streams: JSON lines in and out.

use std::error::Error;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::{
    program::{command, ended, farcall, fed},
    service::{NumbersClient, serve, services},
};

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn items_of_a_result_are_lines() -> Tested {
    let (_server, address) = serve(services()).await?;
    for format in farcall::codec::Format::ALL {
        let format = format.to_string();
        let said = farcall([
            "call",
            &address,
            "test.Numbers.count",
            r#"{"to":3}"#,
            "--format",
            &format,
        ])
        .await?;
        assert_eq!(said.good(), "0\n1\n2\n", "{format}");
    }
    Ok(())
}

#[tokio::test]
async fn items_of_an_argument_are_lines_or_an_array() -> Tested {
    let (_server, address) = serve(services()).await?;
    let sum = ["call", &address, "test.Numbers.sum"];
    assert_eq!(fed(sum, "1\n2\n\n3\n").await?.good(), "6\n");
    assert_eq!(fed(sum, "").await?.good(), "0\n");
    let given = ["call", &address, "test.Numbers.sum", r#"{"numbers":[4,5]}"#];
    assert_eq!(farcall(given).await?.good(), "9\n");
    Ok(())
}

#[tokio::test]
async fn a_wrong_item_ends_the_call_with_its_line() -> Tested {
    let (_server, address) = serve(services()).await?;
    let sum = ["call", &address, "test.Numbers.sum"];
    let expected = "error: standard input, line 2: expected a whole number (u32), found \"x\"\n";
    assert_eq!(fed(sum, "1\n\"x\"\n3\n").await?.bad(), (2, expected.to_owned()));
    let (status, text) = fed(sum, "1\n{\n").await?.bad();
    assert_eq!(status, 2);
    assert!(text.starts_with("error: standard input, line 2: no JSON: "), "{text}");
    let wrong = ["call", &address, "test.Numbers.sum", r#"{"numbers":[4,true]}"#];
    let expected = "error: numbers[1]: expected a whole number (u32), found true\n";
    assert_eq!(farcall(wrong).await?.bad(), (2, expected.to_owned()));
    Ok(())
}

#[tokio::test]
async fn both_directions_go_on_at_the_same_time() -> Tested {
    let (_server, address) = serve(services()).await?;
    let mut child = command(["call", &address, "test.Numbers.double", r#"{"by":10}"#])
        .stdin(std::process::Stdio::piped())
        .spawn()?;
    let (mut input, output) = (
        child.stdin.take().ok_or("a pipe")?,
        child.stdout.take().ok_or("a pipe")?,
    );
    let mut lines = BufReader::new(output).lines();
    for number in 1..4 {
        input.write_all(format!("{number}\n").as_bytes()).await?;
        assert_eq!(lines.next_line().await?, Some(format!("{number}0")));
    }
    drop(input);
    assert_eq!(lines.next_line().await?, None);
    assert_eq!(ended(child).await?.good(), "");
    Ok(())
}

#[tokio::test]
async fn the_first_line_may_have_the_arguments() -> Tested {
    let (_server, address) = serve(services()).await?;
    let said = fed(
        ["call", &address, "test.Numbers.double", "-"],
        "{\"by\":2}\n1\n{\"Ok\":2}\n",
    )
    .await?;
    assert_eq!(said.good(), "2\n4\n");
    Ok(())
}

#[tokio::test]
async fn items_that_come_out_of_an_argument_are_printed() -> Tested {
    let (_server, address) = serve(services()).await?;
    let said = farcall(["call", &address, "test.Numbers.pour"]).await?.good();
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["5", "6", "7", "null"]);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_its_code() -> Tested {
    let (_server, address) = serve(services()).await?;
    let ran = farcall(["call", &address, "test.Numbers.fail"]).await?;
    assert_eq!((ran.status, &*ran.out), (20, "1\n"));
    assert!(ran.err.contains("enough"), "{}", ran.err);
    Ok(())
}

#[tokio::test]
async fn a_watched_value_is_printed_each_time_it_changes() -> Tested {
    let (server, address) = serve(services()).await?;
    let now = farcall(["call", &address, "test.Numbers.current"]).await?.good();
    assert_eq!(now, "{\"kind\":\"Fruit\",\"count\":0}\n");
    let mut child = command(["watch", &address, "test.Numbers.current"]).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    let numbers = NumbersClient::connect(server.local_addr()).await?;
    for count in 0..4 {
        numbers.change(count).await?;
        let expected = format!("{{\"kind\":\"Fruit\",\"count\":{count}}}");
        assert_eq!(lines.next_line().await?, Some(expected));
    }
    child.kill().await?;
    Ok(())
}

#[tokio::test]
async fn a_repeated_call_is_printed_where_it_differs() -> Tested {
    let (_server, address) = serve(services()).await?;
    let mut child = command(["watch", &address, "Inventory.next", "--interval", "1ms"]).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
    for number in 0..4 {
        assert_eq!(lines.next_line().await?, Some(number.to_string()));
    }
    child.kill().await?;
    Ok(())
}
