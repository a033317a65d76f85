//! One mistake, one message, wherever the type occurs.

pub struct Order {
    pub sku: String,
}

#[farcall::service]
pub trait Inventory {
    async fn put(&self, order: Order) -> farcall::Result<Order>;
    async fn all(&self, orders: &[Order]) -> Result<Vec<Order>, farcall::Error>;
    async fn one(&self, maybe: Option<&Order>) -> (u32, Order);
}

struct Warehouse;

impl Inventory for Warehouse {
    async fn put(&self, order: Order) -> farcall::Result<Order> {
        Ok(order)
    }

    async fn all(&self, _: &[Order]) -> farcall::Result<Vec<Order>> {
        Ok(Vec::new())
    }

    async fn one(&self, _: Option<&Order>) -> (u32, Order) {
        (1, Order { sku: String::new() })
    }
}

async fn calls(inventory: InventoryClient) -> farcall::Result<()> {
    let _ = farcall::Server::new().service(InventoryServer::new(Warehouse));
    let order = Order { sku: String::new() };
    inventory.put(order).await?;
    inventory.all(&[]).await?;
    inventory.one(None).await?;
    Ok(())
}

fn main() {}
