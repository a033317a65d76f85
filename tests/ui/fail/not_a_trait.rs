#[farcall::service]
pub struct Inventory;

#[farcall::service]
impl Inventory {
    pub fn stock(&self) {}
}

#[farcall::service]
fn main() {
    Inventory.stock();
}
