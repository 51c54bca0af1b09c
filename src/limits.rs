//! Every bound of the engine, and how the bounds relate.

/// Fraction digits of one amount (rule B4).
pub const AMOUNT_FRACTION_DIGITS_MAX: u32 = 18;

/// Units of 10⁻¹⁸ in one currency unit (rule B4).
pub const MONEY_UNITS_PER_ONE: i128 = 1_000_000_000_000_000_000;

/// Bytes of a user's cloud account, billing account, source or charge id (rule A7).
pub const ID_BYTES_MAX: usize = 128;

/// Bytes of a cloud account id that a file names: `BillingAccountId/SubAccountId` (rule A4).
pub const COMPOSED_ID_BYTES_MAX: usize = 2 * ID_BYTES_MAX + 1;

/// Characters of a billing account's name (rule A1).
pub const NAME_CHARS_MAX: usize = 128;

/// Bytes of a service, sku or unit name.
pub const LABEL_BYTES_MAX: usize = 256;

/// Bytes of a charge's description, and of its tags as JSON text.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Bytes of one row of a charge file (of a line, or of a MessagePack record) or one line of commands; a longer one is
/// refused, never buffered.
pub const ROW_BYTES_MAX: usize = 1024 * 1024;

/// How deep arrays and maps of a MessagePack record may lie in each other; JSON is read as deep.
pub const NESTING_MAX: usize = 127;

/// Charges that a shard takes in one step, and the most that one atomic batch may hold (rule C6).
pub const CHUNK_CHARGES_MAX: usize = 8_192;

/// Charges of a batch that are handed over at once: the shard begins with them while the caller resolves the next ones,
/// and they stay in the caches between the two.
pub const PIECE_CHARGES: usize = 1_024;

/// Bytes of one block of the log: far above any group commit, so that a damaged length is known as one.
pub const BLOCK_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Bytes after which the wal thread takes no more buffers into a block, unless configured.
pub const BLOCK_BYTES_TARGET: usize = 4 * 1024 * 1024;

/// Bytes of a log segment, unless configured; a larger block gets a segment of its own size.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Trimmed segments kept for reuse, unless configured: as many as two usual snapshots set free.
pub const SPARE_SEGMENTS_MAX: usize = 16;

const _: () = assert!(10_i128.pow(AMOUNT_FRACTION_DIGITS_MAX) == MONEY_UNITS_PER_ONE);
const _: () = assert!(COMPOSED_ID_BYTES_MAX > ID_BYTES_MAX);
const _: () = assert!(TEXT_BYTES_MAX < ROW_BYTES_MAX);

/// Bytes of a currency code.
pub const CURRENCY_BYTES_MAX: usize = 8;

/// Parts into which accounts and identities are divided; shards own whole partitions, so this bounds their number.
pub const PARTITIONS: usize = 256;

/// Shards of one engine.
pub const SHARDS_MAX: usize = 64;

/// Billing cycles in which one partition remembers identities; a charge for yet another one is refused.
pub const CYCLES_REMEMBERED_MAX: usize = 128;

/// Charges handed to a shard and not yet durable; callers wait beyond it, or get `busy`.
pub const IN_FLIGHT_CHARGES_MAX: usize = 32_768;

/// The most that may be configured instead of [`IN_FLIGHT_CHARGES_MAX`].
pub const IN_FLIGHT_CHARGES_LIMIT: usize = 131_072;

/// Bytes of text that take the room of one charge in flight: far more than a usual charge has.
pub const TEXT_BYTES_PER_ROOM: usize = 2 * 1024;

/// Days for which an idempotency key and its answer are kept (rule J2).
pub const IDEMPOTENCY_DAYS: i64 = 60;

/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// Distinct service, sku, unit and source texts kept in memory; beyond it texts are logged in each row.
pub const STRINGS_MAX: usize = 1 << 20;

/// Holds of one account, open or closed within the days of an idempotency key (rule B5).
pub const HOLDS_MAX: usize = 10_000;

/// Coupons and vouchers granted to one account (rule D7).
pub const COUPONS_MAX: usize = 10_000;

/// Services that one coupon names (rule D7).
pub const COUPON_SERVICES_MAX: usize = 100;

/// Purchases of one account (rule D6).
pub const ORDERS_MAX: usize = 100_000;

/// Refunds of one purchase (rule D6).
pub const REFUNDS_MAX: usize = 1_000;

/// Cycles in one unified settlement (rule D8).
pub const SETTLEMENT_CYCLES_MAX: usize = 3;

/// Unified settlements of one account, ended or not (rule D8).
pub const SETTLEMENTS_MAX: usize = 10_000;

/// Payment methods of one account (rule D10).
pub const PAYMENT_METHODS_MAX: usize = 100;

/// Remittances claimed by one account (rule D11).
pub const REMITTANCES_MAX: usize = 100_000;

/// The greatest rate of tax or exchange (rules D2, D9).
pub const RATE_MAX: u32 = 1_000_000_000;

/// Cycles for which identities are remembered after theirs: a charge is late as long as no more than so many later ones
/// are issued (rule C2).
pub const LATE_CYCLES: u32 = 2;

/// The day of the month after a cycle on which its bill is due to be issued, at midnight of the account (rule D1).
pub const ISSUE_DAY: i8 = 3;

/// Accounts that a shard looks at in one step of issuing bills or deciding what is due: ingestion has its turn in between.
pub const ACCOUNTS_PER_SWEEP: usize = 512;

/// Accounts of the unified list that a shard answers at once: ingestion has its turn in between (rule A8).
pub const ACCOUNTS_PER_ANSWER: usize = 1_024;

/// Notifications of one low balance: the alert and its daily reminders (rule H2).
pub const ALERTS_MAX: u8 = 5;

/// The longest grace of a suspension benefit, in microseconds: ten years (rule H4).
pub const GRACE_MICROS_MAX: i64 = 3_653 * 24 * 3_600 * 1_000_000;

/// Notifications of one channel that are sent and not settled in order: beyond it the oldest is waited for (rule H5).
pub const DELIVERIES_UNDER_WAY_MAX: usize = 1_024;

/// Notifications that one answer lists.
pub const NOTIFICATIONS_LISTED_MAX: usize = 100_000;

/// Channels of notifications of one ledger (rule H5).
pub const CHANNELS_MAX: usize = 64;

/// Notifications of one channel that were given up: beyond it the channel waits for a person (rule H5).
pub const DEAD_LETTERS_MAX: usize = 10_000;

/// Bytes of a channel's name.
pub const CHANNEL_NAME_BYTES_MAX: usize = 64;

/// Notifications of one channel that are on the wire at once.
pub const DELIVERIES_IN_FLIGHT_MAX: usize = 16;

/// Deliveries whose end is recorded at once, without waiting for others.
pub const DELIVERIES_SETTLED_AT_ONCE: usize = 64;

/// Attempts after which a notification is given up: with the waits below, about a day after the first one.
pub const DELIVERY_ATTEMPTS_MAX: u32 = 11;

/// Seconds between the first attempt and the second; each wait is three times the one before it.
pub const DELIVERY_WAIT_SECONDS_MIN: u64 = 10;

/// Seconds between two attempts at most, before a quarter of it is added by chance; also the longest wait that a
/// receiver may ask for.
pub const DELIVERY_WAIT_SECONDS_MAX: u64 = 6 * 60 * 60;

/// Seconds until a receiver must have taken the connection.
pub const DELIVERY_CONNECT_SECONDS: u64 = 5;

/// Seconds until a receiver must have answered, from the beginning of the attempt.
pub const DELIVERY_SECONDS: u64 = 20;

/// Bytes of a receiver's answer that are read: they say nothing, but the connection is free for the next one.
pub const DELIVERY_ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Blocks of the log without anything for a channel after which it records that it has read them.
pub const CHANNEL_LAG_BLOCKS: u64 = 4_096;

/// Days after which a receivable is long overdue (rule E6).
pub const LONG_OVERDUE_DAYS: i64 = 90;

/// Givers that one transfer book names (rule F1).
pub const GIVERS_MAX: usize = 10_000;

/// Members of one enterprise (rule E1).
pub const MEMBERS_MAX: usize = 65_536;

/// Cloud accounts that one operation makes administrators (rule G2).
pub const ADMINISTRATORS_PER_OPERATION_MAX: usize = 20;

/// Units of cash beyond which an account takes no more transfers, and of credit that an enterprise can give: a receiver
/// can't refuse what is in flight, so a thousand transfers at once must still fit (rule F5).
pub const RECEIVED_UNITS_MAX: i128 = i128::MAX / 4_096;

/// Units of cash, and of available credit, to which a member of an enterprise comes by itself: the rest is room for
/// what is in flight to it (rule F5).
pub const MEMBER_UNITS_MAX: i128 = i128::MAX / 2;

/// Cloud accounts in one `set_payer`, and accounts in one opening.
pub const ITEMS_MAX: usize = 8_192;

const _: () = assert!(IN_FLIGHT_CHARGES_MAX >= CHUNK_CHARGES_MAX && CHUNK_CHARGES_MAX >= PIECE_CHARGES);
// What is in flight, and one chunk that was let in alone, fit one block even if all their texts are as long as may be.
const _: () = assert!(
    (IN_FLIGHT_CHARGES_LIMIT * TEXT_BYTES_PER_ROOM + CHUNK_CHARGES_MAX * 2 * TEXT_BYTES_MAX) as u64
        <= BLOCK_BYTES_MAX / 2
);
const _: () = assert!((i128::MAX - MEMBER_UNITS_MAX) / RECEIVED_UNITS_MAX > 1_024);
const _: () = assert!(DELIVERIES_IN_FLIGHT_MAX <= DELIVERIES_SETTLED_AT_ONCE);
const _: () = assert!(DELIVERIES_SETTLED_AT_ONCE < DELIVERIES_UNDER_WAY_MAX);
const _: () = assert!(DELIVERIES_UNDER_WAY_MAX <= DEAD_LETTERS_MAX);
const _: () = assert!(DELIVERY_CONNECT_SECONDS < DELIVERY_SECONDS);
const _: () = assert!(SHARDS_MAX <= PARTITIONS && PARTITIONS <= u16::MAX as usize);
const _: () = assert!(BLOCK_BYTES_TARGET as u64 <= SEGMENT_BYTES && SEGMENT_BYTES < BLOCK_BYTES_MAX);
const _: () = assert!(BLOCK_BYTES_MAX <= u32::MAX as u64); // a block's length is a u32
