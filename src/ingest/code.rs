//! The codes of refused rows and of lenient readings.

/// A field that a charge can't do without is absent, empty or null: fill it in.
pub const MISSING_FIELD: &str = "missing_field";
/// The amount is not a decimal number. Lenient reading also takes currency signs and thousands commas.
pub const INVALID_AMOUNT: &str = "invalid_amount";
/// The amount has more than 18 fraction digits. Lenient reading rounds it half to even.
pub const AMOUNT_TOO_PRECISE: &str = "amount_too_precise";
/// The amount is too large to be held exactly.
pub const AMOUNT_OVERFLOW: &str = "amount_overflow";
/// The quantity is no decimal number that can be held exactly. Lenient reading leaves it out.
pub const INVALID_QUANTITY: &str = "invalid_quantity";
/// Not an instant in RFC 3339, or in the form that the format prescribes. Lenient reading also takes other forms, and UTC where the offset is missing.
pub const INVALID_TIME: &str = "invalid_time";
/// The billing cycle is not `YYYY-MM`.
pub const INVALID_CYCLE: &str = "invalid_cycle";
/// An id is longer than 128 bytes or holds a control character (rule A7).
pub const INVALID_ID: &str = "invalid_id";
/// The currency is not a code of at most 32 printable ASCII characters.
pub const INVALID_CURRENCY: &str = "invalid_currency";
/// The category is none of usage, purchase, tax, credit, adjustment, or of the format's own words for them. Lenient
/// reading takes usage.
pub const INVALID_CATEGORY: &str = "invalid_category";
/// The class is neither null nor the format's word for a correction. Lenient reading takes null.
pub const INVALID_CLASS: &str = "invalid_class";
/// The tags are not a JSON object, or a MessagePack map that can become one. Lenient reading leaves them out.
pub const INVALID_TAGS: &str = "invalid_tags";
/// A text is longer than its bound. Lenient reading leaves out a description or tags.
pub const FIELD_TOO_LONG: &str = "field_too_long";
/// The row is longer than 1 MiB; with CSV, perhaps a quote that is never closed.
pub const ROW_TOO_LONG: &str = "row_too_long";
/// The row is not UTF-8. Lenient reading minds only the fields that it uses.
pub const INVALID_UTF8: &str = "invalid_utf8";
/// The row's syntax is broken, or its number of fields is not the header's.
pub const MALFORMED_ROW: &str = "malformed_row";
/// The cloud account that the row's ids compose is known as one of another billing account: ids may contain `/`, so
/// that `a` + `b/c` and `a/b` + `c` compose alike. Rename one, or name the cloud account yourself in NDJSON.
pub const AMBIGUOUS_CLOUD_ACCOUNT: &str = "ambiguous_cloud_account";
/// A field has another type than it should; with MessagePack also an amount that is a binary float.
pub const INVALID_TYPE: &str = "invalid_type";
/// A charge of `post_charges` has a field that no charge has: correct its name.
pub const UNKNOWN_FIELD: &str = "unknown_field";
/// A JSON object or a MessagePack map names a field twice.
pub const DUPLICATE_FIELD: &str = "duplicate_field";

/// The charge belongs to another cycle than the one that is replaced (rule C8): deliver it with its own month.
pub const OTHER_CYCLE: &str = "other_cycle";

/// Note: an amount was rounded half to even to 18 fraction digits.
pub const AMOUNT_SHORTENED: &str = "amount_shortened";
/// Note: an amount was read without its currency sign, commas or spaces.
pub const AMOUNT_CLEANED: &str = "amount_cleaned";
/// Note: a time in another form than RFC 3339 in UTC was read.
pub const TIME_ASSUMED: &str = "time_assumed";
/// Note: an unknown category was read as usage, or one in another letter case as that category.
pub const CATEGORY_ASSUMED: &str = "category_assumed";
/// Note: an optional field that can't be read was left out.
pub const FIELD_DROPPED: &str = "field_dropped";
/// Note: a row with another number of fields than the header was read.
pub const FIELD_COUNT: &str = "field_count";
/// Note: a quote inside an unquoted field was read as it stands.
pub const STRAY_QUOTE: &str = "stray_quote";
/// Note: bytes that are not UTF-8 lie in a field that is not used.
pub const UTF8_IGNORED: &str = "utf8_ignored";

/// Whether lenient reading may take a row that strict reading refuses with this code.
pub fn is_strict(code: &str) -> bool {
    matches!(
        code,
        INVALID_AMOUNT
            | AMOUNT_TOO_PRECISE
            | INVALID_QUANTITY
            | INVALID_TIME
            | INVALID_CATEGORY
            | INVALID_CLASS
            | INVALID_TAGS
            | FIELD_TOO_LONG
            | INVALID_UTF8
            | MALFORMED_ROW
    )
}
