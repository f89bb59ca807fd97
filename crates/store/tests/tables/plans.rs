//! Every query finds its rows by a key: no list is read from one end to the other, and none is sorted that can grow.
//!
//! The queries are taken from the source, so that a new one cannot be missed.

use rusqlite::Connection;

const SOURCES: [&str; 7] = [
    include_str!("../../src/tables/mod.rs"),
    include_str!("../../src/tables/reader.rs"),
    include_str!("../../src/tables/lists.rs"),
    include_str!("../../src/tables/settlements.rs"),
    include_str!("../../src/tables/writer.rs"),
    include_str!("../../src/tables/state.rs"),
    include_str!("../../src/tables/events.rs"),
];

/// Whole tables are read where a platform starts or is verified, and their sizes are those of the platform, not of its
/// past. The `mark` has one row.
const READ_WHOLE: [&str; 6] = [
    "SELECT * FROM accounts",
    "SELECT * FROM tags",
    "SELECT * FROM merchants",
    "SELECT * FROM books",
    "SELECT position, frame_hash, time FROM mark",
    "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)",
];

/// Read what is open, and nothing else.
const OPEN: [&str; 7] = [
    "SCAN orders USING INDEX orders_open",
    "SCAN orders USING INDEX orders_held",
    "SCAN payments USING INDEX payments_open",
    "SCAN disputes USING INDEX disputes_open",
    "SCAN payouts USING INDEX payouts_open",
    "SCAN settlements USING INDEX settlements_payout_due",
    "SCAN settlements USING INDEX settlements_reserve_due",
];

/// A few rows that the query itself has cut, or takes one by one until the page is full.
const CUT: [&str; 4] = ["SCAN (subquery-", "SCAN CONSTANT ROW", "SCAN newest", "SCAN made"];

/// What is put into queries where they say so: each of these is a query of its own.
fn fillings(place: &str) -> Vec<String> {
    let newest = |kind: u8| {
        let nested = nested_query();
        nested.replace("{kind}", &kind.to_string())
    };
    let fillings: &[&str] = match place {
        "whose" => &["?1 = ?1", "wallet = ?1", "merchant = ?1", "?1 IS NULL"],
        "open" => &["AND open = 1", ""],
        "status" => &[
            "",
            "AND status = 0",
            "AND status = 1",
            "AND status = 2 AND status > 1",
            "AND status = 3 AND status > 1",
            "AND status = 4 AND status > 1",
        ],
        "what" => &["reserve_due = NULL", "payout_due = NULL"],
        "kind" => &["16"],
        "list" => &["settlements", "payouts"],
        "source" => &[
            "orders",
            "(SELECT * FROM orders WHERE merchant = ?1 AND id < ?2 AND id >= ?3 ORDER BY id DESC LIMIT 10000)",
            "refunds",
            "(SELECT refunds.*, payments.tag FROM refunds JOIN payments ON payments.id = refunds.payment
              WHERE refunds.merchant = ?1 AND refunds.id < ?2 AND refunds.id >= ?3 AND ?6 IS NULL
              ORDER BY refunds.id DESC LIMIT 10000)",
        ],
        "at_tags" => &["", "AND tag IN (x'00')"],
        "reference" => &["AND reference_key = ?6", "AND ?6 IS NULL"],
        "payment" => &["payment = ?6", "?6 IS NULL"],
        "payee" => &["payments.merchant = ?7", "?7 = ?7"],
        "narrowed" => &["AND payments.status = 1", "AND payments.status = 1 AND payments.tag IN (x'00')"],
        "times" => &["payments.created_at >= ?5 AND payments.created_at < ?6"],
        "conditions" => &[
            " AND id < ?",
            " AND id < ? AND merchant = ?",
            " AND id < ? AND currency = ?",
            " AND id < ? AND merchant = ? AND status = ?",
            " AND id < ? AND merchant = ? AND business_day >= ? AND id >= ? AND business_day <= ?",
        ],
        "condition" => {
            let few = format!("AND position IN ({} UNION ALL {})", newest(2), newest(16));
            return vec![String::new(), "AND kind IN (1, 4, 7)".to_owned(), few];
        }
        unknown => panic!("what is put into a query at {unknown}?"),
    };
    fillings.iter().map(|filling| (*filling).to_owned()).collect()
}

/// The queries as they are written, with places to fill.
fn templates() -> Vec<String> {
    let quoted = SOURCES.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
    let starts = ["SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE"];
    let queries = quoted.filter(|text| starts.iter().any(|start| text.starts_with(start)));
    queries.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn nested_query() -> String {
    templates().into_iter().find(|query| query.contains("{kind}")).unwrap()
}

/// The queries as they are asked.
fn statements() -> Vec<String> {
    let database = database();
    let mut statements = Vec::new();
    for template in templates() {
        // A table's rows are counted when the platform is verified.
        if template == "SELECT count(*) FROM {table}" {
            continue;
        }
        // No dispute has a payout's columns, and so on: what cannot be asked is not.
        let mut filled = filled(&template);
        filled.retain(|query| database.prepare(query).is_ok());
        assert!(!filled.is_empty(), "{template}");
        statements.extend(filled);
    }
    statements
}

/// A query with all that can be put into it.
fn filled(query: &str) -> Vec<String> {
    let Some((place, _)) = query.split_once('{').and_then(|(_, rest)| rest.split_once('}')) else {
        return vec![query.to_owned()];
    };
    let fill = |filling: String| filled(&query.replacen(&format!("{{{place}}}"), &filling, 1));
    fillings(place).into_iter().flat_map(fill).collect()
}

fn plan(database: &Connection, query: &str) -> Vec<String> {
    let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
    let nulls = vec![rusqlite::types::Null; explain.parameter_count()];
    let steps = explain.query_map(rusqlite::params_from_iter(nulls), |row| row.get(3)).unwrap();
    steps.map(Result::unwrap).collect()
}

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(include_str!("../../src/tables/schema.sql")).unwrap();
    database
}

#[test]
fn every_query_searches_by_a_key() {
    let (database, statements) = (database(), statements());
    assert!(statements.len() > 100, "only {} statements found", statements.len());
    for query in statements.iter().filter(|query| !READ_WHOLE.contains(&query.as_str())) {
        for step in plan(&database, query) {
            let is_cut = CUT.iter().any(|cut| step.starts_with(cut));
            let reads_all = step.starts_with("SCAN") && !OPEN.contains(&step.as_str()) && !is_cut;
            assert!(!reads_all || query.starts_with("UPDATE mark"), "{query}\n{step}");
        }
    }
}

/// Lists of few things among many are found by an index of their own, not by passing over the many.
#[test]
fn few_among_many_have_an_index() {
    let (database, statements) = (database(), statements());
    let expected = [
        ("FROM orders WHERE merchant = ?1 AND id < ?2 AND status = 0", "orders_open (merchant=? AND id<?)"),
        (
            "FROM orders WHERE merchant = ?1 AND id < ?2 AND status = 2",
            "orders_unpaid (merchant=? AND status=? AND id<?)",
        ),
        (
            "FROM orders WHERE merchant = ?1 AND id < ?2 AND status = 3",
            "orders_unpaid (merchant=? AND status=? AND id<?)",
        ),
        (
            "FROM orders WHERE merchant = ?1 AND id < ?2 AND status = 4",
            "orders_unpaid (merchant=? AND status=? AND id<?)",
        ),
        ("FROM orders WHERE reference_key = ?1", "orders_by_reference (reference_key=?)"),
        ("FROM disputes WHERE wallet = ?1  AND id", "disputes_by_wallet (wallet=? AND id<?)"),
        ("FROM disputes WHERE merchant = ?1  AND id", "disputes_by_merchant (merchant=? AND id<?)"),
        ("FROM disputes WHERE ?1 = ?1 AND open = 1", "disputes_open (id<?)"),
        ("FROM payouts WHERE TRUE AND id < ? AND merchant = ?", "payouts_by_merchant (merchant=? AND id<?)"),
        ("FROM payouts WHERE status = 0", "payouts_created (id>?)"),
        (
            "FROM settlements WHERE TRUE AND id < ? AND merchant = ? ORDER",
            "settlements_by_merchant (merchant=? AND id<?)",
        ),
        ("FROM settlements WHERE position > ?1", "settlements_by_position (position>?)"),
        ("SELECT position FROM events INDEXED", "events_by_kind (merchant=? AND kind=? AND position>? AND position<?)"),
        ("FROM events WHERE merchant = ?1 AND position > ?2", "PRIMARY KEY (merchant=? AND position>?)"),
        ("FROM entries LEFT JOIN payments", "PRIMARY KEY (account=? AND (position,leg)>(?,?) AND position<?)"),
    ];
    for (query, index) in expected {
        let asked: Vec<_> = statements.iter().filter(|statement| statement.contains(query)).collect();
        assert!(!asked.is_empty(), "nobody asks {query}");
        for statement in asked {
            let plan = plan(&database, statement);
            assert!(plan.iter().any(|step| step.contains(index)), "{statement}\n{plan:#?}");
        }
    }
}

/// Sorting is for a few pages at most: an inner query has cut each list already.
#[test]
fn only_cut_lists_are_sorted() {
    let database = database();
    let mut sorted = 0;
    for query in statements() {
        let plan = plan(&database, &query);
        if !plan.iter().any(|step| step.contains("TEMP B-TREE")) {
            continue;
        }
        sorted += 1;
        let cut_first = query.contains("ORDER BY newest.position DESC LIMIT ?3)");
        let kinds_cut_first = query.contains("ORDER BY position DESC LIMIT ?3) UNION ALL");
        // An owner has a few, in as many currencies.
        let accounts_of_one = query.contains("accounts") && query.ends_with("owner = ?1 ORDER BY ledger");
        let books_of_one = query.ends_with("accounts.owner = ?1 ORDER BY accounts.ledger");
        assert!(cut_first || kinds_cut_first || accounts_of_one || books_of_one, "{query}\n{plan:#?}");
    }
    assert!((4..=5).contains(&sorted), "payments, history, accounts, books, perhaps events by kinds: {sorted}");
    for step in plan(
        &database,
        "SELECT position FROM entries WHERE account = ?1 AND position < ?2 ORDER BY position DESC LIMIT 3",
    ) {
        assert!(!step.contains("TEMP"), "{step}");
    }
}
