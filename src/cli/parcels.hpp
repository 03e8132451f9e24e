#pragma once
// Requests and parcels as they are told.

#include "cli/session.hpp"
#include "rituals/make_parcel.hpp"
#include "rituals/parcel_file.hpp"
#include "rituals/repair.hpp"

namespace darkshelf::cli {

/// The parcel of a request: `told`, or beside it under a name that tells.
io::Path parcel_name(const std::string& request_file, const std::string& told);
/// What was asked for with --request, and where to take it.
void tell_request(Output& out, const rituals::RepairReport& report);
/// After all that a parcel is for is intact on the drive: whether it can go.
void tell_parcel_used(Output& out, const rituals::RepairReport& report, const rituals::ParcelFile& parcel);
/// Where a twin is plugged in; on a machine without a catalog too.
int make_parcel(Session& session, const rituals::MakeParcelRequest& request, std::uint64_t memory);

}  // namespace darkshelf::cli
