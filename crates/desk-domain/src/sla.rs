//! Service level agreements: calendars, targets, clocks.
