//! Durations in options: `"90s"`, `"1h 30m"`, `"250ms"`.

/// The duration in nanoseconds, or what is wrong with it as the value of this option.
pub(crate) fn parse(option: &str, text: &str) -> Result<u64, String> {
    const HELP: &str = "write a number with a unit, such as `90s`, `1h 30m` or `250ms`";
    let mut total = 0_u128;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("an empty duration; {HELP}"));
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a duration; {HELP}"))?;
        let nanoseconds: u128 = match unit {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "" if after.is_empty() => return Err(format!("`{text}` has no unit; {HELP}")),
            "" => {
                return Err(format!(
                    "`{text}` is not a duration of whole numbers, each before its unit; {HELP}"
                ));
            }
            _ => {
                return Err(format!(
                    "`{unit}` is not a unit; the units are `ns`, `us`, `ms`, `s`, `m`, `h`, `d`"
                ));
            }
        };
        total += u128::from(number) * nanoseconds;
        rest = after.trim_start();
    }
    match u64::try_from(total) {
        Ok(0) => Err(of_zero(option)),
        Ok(total) => Ok(total),
        Err(_) => Err(format!("`{text}` is longer than 584 years; leave `{option}` out")),
    }
}

/// What is wrong with no duration at all.
fn of_zero(option: &str) -> String {
    match option {
        "jitter" => "`jitter` would shorten nothing; leave it out".to_owned(),
        "stale" => "no old value would be served; leave `stale` out".to_owned(),
        "near" => "nothing would be used without asking the store; leave `near` out".to_owned(),
        "single_flight" => "nobody would wait; write `single_flight = false`".to_owned(),
        _ => "an entry would expire at once; write `maxsize = 0` to cache nothing".to_owned(),
    }
}
