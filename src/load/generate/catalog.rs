//! What is sold: made-up services, their units and prices.

use crate::domain::charge::Category;

/// Something that is charged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) service: &'static str,
    /// FOCUS `ServiceCategory`.
    pub(super) family: &'static str,
    pub(super) sku: &'static str,
    pub(super) unit: &'static str,
    pub(super) description: &'static str,
    pub(super) category: Category,
    /// Price of a unit: digits, and how many of them are of the fraction. Negative for what is given back.
    pub(super) price: (i64, u32),
    /// The greatest quantity, in the same form.
    pub(super) quantity_max: (u64, u32),
}

impl Item {
    const fn usage(
        [service, family, sku, unit, description]: [&'static str; 5],
        price: (i64, u32),
        quantity_max: (u64, u32),
    ) -> Self {
        Self { service, family, sku, unit, description, category: Category::Usage, price, quantity_max }
    }

    const fn of(mut self, category: Category) -> Self {
        self.category = category;
        self
    }
}

/// Consumption.
pub(super) const USAGE: [Item; 16] = [
    Item::usage(
        ["Virtual Machines", "Compute", "VM-2X8", "Hours", "Machine, 2 vCPU, 8 GB"],
        (83_200, 6),
        (10_000, 4),
    ),
    Item::usage(
        ["Virtual Machines", "Compute", "VM-8X32", "Hours", "Machine, 8 vCPU, 32 GB"],
        (332_800, 6),
        (10_000, 4),
    ),
    Item::usage(
        ["Virtual Machines", "Compute", "VM-GPU-1", "Hours", "Machine with one \"large\" GPU"],
        (21_430_517, 7),
        (10_000, 4),
    ),
    Item::usage(
        ["Block Volumes", "Storage", "VOL-SSD", "GB-Months", "Volume, SSD"],
        (107_526_881, 9),
        (2_500_000, 4),
    ),
    Item::usage(
        ["Object Storage", "Storage", "OBJ-STD", "GB-Months", "Objects, standard"],
        (23_118, 6),
        (90_000_000, 6),
    ),
    Item::usage(
        ["Object Storage", "Storage", "OBJ-COLD", "GB-Months", "Objects, cold"],
        (4_032_258_064, 12),
        (900_000_000, 6),
    ),
    Item::usage(
        ["Object Storage", "Storage", "OBJ-PUT", "Requests", "Requests that write"],
        (5, 6),
        (250_000, 0),
    ),
    Item::usage(
        ["Object Storage", "Storage", "OBJ-GET", "Requests", "Requests that read"],
        (4, 7),
        (9_000_000, 0),
    ),
    Item::usage(
        ["Message Queue", "Integration", "MSG-REQ", "Requests", "Requests, per unit"],
        (4, 7),
        (5_000_000, 0),
    ),
    Item::usage(
        ["Message Queue", "Integration", "MSG-FREE", "Requests", "Requests, free of charge"],
        (0, 1),
        (1_000, 0),
    ),
    Item::usage(
        ["Functions", "Compute", "FN-GBS", "GB-Seconds", "Functions, memory"],
        (16_666_713, 12),
        (800_000_000, 3),
    ),
    Item::usage(
        ["Relational Database", "Databases", "RDB-2X8", "Hours", "Database, 2 vCPU, 8 GB"],
        (2_961, 4),
        (10_000, 4),
    ),
    Item::usage(
        ["Relational Database", "Databases", "RDB-IO", "Requests", "Input and output"],
        (2, 7),
        (40_000_000, 0),
    ),
    Item::usage(
        ["Public Traffic", "Networking", "NET-OUT", "GB", "Traffic out, first 10,240 GB"],
        (735, 4),
        (4_000_000, 4),
    ),
    Item::usage(
        ["Public Traffic", "Networking", "NET-ZONE", "GB", "Traffic between zones"],
        (1, 2),
        (80_000_000, 6),
    ),
    Item::usage(
        ["Monitoring", "Management", "MON-PTS", "Datapoints", "Datapoints"],
        (232_376, 14),
        (900_000, 0),
    ),
];

/// What comes once or monthly.
pub(super) const PURCHASES: [Item; 2] = [
    Item::usage(["Support", "Other", "SUP-BIZ", "Months", "Support plan, business"], (100, 0), (1, 0))
        .of(Category::Purchase),
    Item::usage(
        ["Virtual Machines", "Compute", "VM-RES-1Y", "Months", "Reserved machine, 1 year"],
        (3_723, 2),
        (40, 0),
    )
    .of(Category::Purchase),
];

/// What a state takes.
pub(super) const TAX: Item =
    Item::usage(["Tax", "Other", "TAX-VAT", "Percent", "Value added tax"], (1_937, 4), (2_500, 2))
        .of(Category::Tax);

/// What is given.
pub(super) const CREDIT: Item =
    Item::usage(["Credits", "Other", "CR-PROMO", "Credits", "Promotion"], (-1, 2), (50_000, 0))
        .of(Category::Credit);

/// What is given back.
pub(super) const REFUND: Item = Item::usage(
    ["Virtual Machines", "Compute", "VM-2X8", "Hours", "Refund after an outage"],
    (-83_200, 6),
    (2_400_000, 4),
)
.of(Category::Adjustment);
