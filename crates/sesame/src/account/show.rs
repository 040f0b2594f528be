//! Accounts as text and as JSON.

use serde_json::json;
use sesame_service::admin::{AccountReport, AccountSummary};

use crate::cli::SayFormat;

/// A list of accounts.
pub(super) fn accounts(accounts: &[AccountSummary], format: SayFormat) -> String {
    if format == SayFormat::Json {
        return format!("{:#}\n", json!({ "Accounts": accounts }));
    }
    let heading = ["ACCOUNT", "STATE", "CREATED", "ROOT KEYS", "USERS", "KEYS", "SECRETS", "NAME"].map(str::to_owned);
    let row = |account: &AccountSummary| {
        [
            account.account.clone(),
            state(account).to_owned(),
            account.created_at.clone(),
            account.root_access_keys.to_string(),
            account.users.to_string(),
            account.keys.to_string(),
            account.secrets.to_string(),
            account.name.clone(),
        ]
    };
    columns(&std::iter::once(heading).chain(accounts.iter().map(row)).collect::<Vec<_>>())
}

/// One account.
pub(super) fn account(report: &AccountReport, format: SayFormat) -> String {
    if format == SayFormat::Json {
        return format!("{:#}\n", json!(report));
    }
    let account = &report.account;
    let line = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
    let disabled = match account.disabled_at.as_str() {
        "" => state(account).to_owned(),
        since => format!("{} since {since}", state(account)),
    };
    let mut rows = vec![
        line("account", &account.account),
        line("name", &account.name),
        line("state", &disabled),
        line("created", &account.created_at),
        line("users", &account.users.to_string()),
        line("keys", &account.keys.to_string()),
        line("secrets", &account.secrets.to_string()),
    ];
    if report.is_first {
        rows.push(line("first", "yes: the one that the server made"));
    }
    for key in &report.root_access_key_list {
        let state = if key.active { "active" } else { "inactive" };
        rows.push(line("root key", &format!("{}  {state}, made {}", key.access_key_id, key.created_at)));
    }
    columns(&rows)
}

fn state(account: &AccountSummary) -> &'static str {
    if account.disabled_at.is_empty() { "enabled" } else { "disabled" }
}

/// Rows with their cells one under the other; the last one ends the line.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_line_for_each_account_and_a_state() {
        let account = |id: &str, disabled: &str| AccountSummary {
            account: id.into(),
            name: "Team B".into(),
            created_at: "2026-01-02T03:04:05Z".into(),
            disabled_at: disabled.into(),
            root_access_keys: 1,
            users: 2,
            keys: 3,
            secrets: 4,
        };
        let list = [account("1111111111111111", ""), account("2222222222222222", "2026-01-02T03:04:05Z")];
        let text = accounts(&list, SayFormat::Text);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>(),
            ["2222222222222222", "disabled", "2026-01-02T03:04:05Z", "1", "2", "3", "4", "Team", "B"]
        );
        assert_eq!(lines[0].find("NAME"), lines[1].find("Team B"));
        let json: serde_json::Value = serde_json::from_str(&accounts(&list, SayFormat::Json)).unwrap();
        assert_eq!(json["Accounts"][1]["DisabledAt"], "2026-01-02T03:04:05Z");
    }
}
