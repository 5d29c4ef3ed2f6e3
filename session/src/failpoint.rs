//! Places at which tests make the process die.
