#pragma once
// The drives that are due as a calendar (iCalendar, RFC 5545). Pure: no I/O.

#include "shelf/due.hpp"

namespace darkshelf::shelf {

/// An all-day event for each drive on the day its check is due, or today where it is due already, with an alarm in the
/// morning and, before those yet to come, one a week earlier. A drive's event has the same UID in every calendar, and a
/// higher SEQUENCE in a later one, so that importing again moves it.
std::string calendar_of(const std::vector<DueDrive>& drives, core::Time now);

/// Is this text one of those? (The beginning is enough.)
bool is_own_calendar(std::string_view text);

}  // namespace darkshelf::shelf
