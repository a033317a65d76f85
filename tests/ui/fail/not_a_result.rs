use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct ExamResult(pub u8);

#[farcall::service]
pub trait School {
    async fn exam(&self) -> ExamResult;
}

fn main() {}
