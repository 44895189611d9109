//! Scenario tests, a file each.
