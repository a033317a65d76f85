//! Files go up and down as streams of pieces, with a progress bar: neither side ever holds more than a few of them.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::{error::Error, io, path::PathBuf};

use farcall::{Server, stream::Stream};
use futures::{TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt, AsyncWriteExt},
};

#[farcall::service]
trait Files {
    /// Stores a file at the disk's pace, so the client reads its own no faster; says how many bytes it has.
    async fn upload(&self, name: &str, pieces: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64>;
    async fn size(&self, name: &str) -> farcall::Result<u64>;
    async fn download(&self, name: &str) -> farcall::Result<impl Stream<Item = farcall::Result<Vec<u8>>>>;
}

struct Folder(PathBuf);

impl Folder {
    /// Names come from clients: none leads out of the folder.
    fn path(&self, name: &str) -> farcall::Result<PathBuf> {
        let path = self.0.join(name);
        if name.is_empty() || path.parent() != Some(&self.0) || path.file_name().is_none_or(|last| last != name) {
            return Err(farcall::Error::invalid_argument(format!(
                "`{name}` is no name of a file"
            )));
        }
        Ok(path)
    }
}

impl Files for Folder {
    async fn upload(&self, name: &str, pieces: impl Stream<Item = farcall::Result<Vec<u8>>>) -> farcall::Result<u64> {
        let file = File::create(self.path(name)?).await.map_err(failed)?;
        write(pieces, file).await
    }

    async fn size(&self, name: &str) -> farcall::Result<u64> {
        Ok(fs::metadata(self.path(name)?).await.map_err(failed)?.len())
    }

    async fn download(&self, name: &str) -> farcall::Result<impl Stream<Item = farcall::Result<Vec<u8>>>> {
        File::open(self.path(name)?).await.map(read).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` has it")]
fn failed(error: io::Error) -> farcall::Error {
    match error.kind() {
        io::ErrorKind::NotFound => farcall::Error::not_found("there is no such file"),
        _ => farcall::Error::internal(error.to_string()),
    }
}

/// A file in pieces.
fn read(file: File) -> impl Stream<Item = farcall::Result<Vec<u8>>> {
    const PIECE: usize = 64 << 10;
    stream::try_unfold(file, |mut file| async {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await.map_err(failed)?;
        piece.truncate(length);
        Ok((length > 0).then_some((piece, file)))
    })
}

/// Pieces to a file; says how many bytes they were.
async fn write(pieces: impl Stream<Item = farcall::Result<Vec<u8>>>, file: File) -> farcall::Result<u64> {
    let (mut file, written) = pieces
        .try_fold((file, 0), |(mut file, written), piece| async move {
            file.write_all(&piece).await.map_err(failed)?;
            Ok((file, written + piece.len() as u64))
        })
        .await?;
    file.flush().await.map_err(failed)?;
    Ok(written)
}

fn progress(what: &'static str, bytes: u64) -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{msg:>8} [{bar:40}] {bytes}/{total_bytes}")?;
    Ok(ProgressBar::new(bytes).with_style(style).with_message(what))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let here = std::env::temp_dir().join(format!("farcall-files-{}", std::process::id()));
    let there = here.join("there");
    fs::create_dir_all(&there).await?;
    let server = Server::new()
        .service(FilesServer::new(Folder(there)))
        .listen("tcp://127.0.0.1:0")
        .await?;
    let files = FilesClient::connect(server.local_addr()).await?;

    let photo: Vec<u8> = (0..20_000_000_u32).map(|index| (index / 251) as u8).collect();
    fs::write(here.join("photo"), &photo).await?;

    let bar = progress("upload", photo.len() as u64)?;
    let (file, moving) = (File::open(here.join("photo")).await?, bar.clone());
    let pieces = read(file).inspect_ok(move |piece| moving.inc(piece.len() as u64));
    assert_eq!(files.upload("photo", pieces).await?, photo.len() as u64);
    bar.finish();
    let bar = progress("download", files.size("photo").await?)?;
    let pieces = files.download("photo").await?;
    let pieces = pieces.inspect_ok(|piece| bar.inc(piece.len() as u64));
    write(pieces, File::create(here.join("copy")).await?).await?;
    bar.finish();
    assert!(fs::read(here.join("copy")).await? == photo);
    println!("{} bytes went up and came down", photo.len());

    let refused = files.download("../photo").await.map(drop);
    println!("{}", refused.expect_err("names lead nowhere else"));
    fs::remove_dir_all(here).await?;
    Ok(())
}
