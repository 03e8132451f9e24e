#include <fmt/format.h>

#include <bit>

#include "formats/par2/packets.hpp"

namespace darkshelf::formats::par2 {

namespace {

constexpr std::uint32_t kMostCopies = 4;

}  // namespace

FileLayout lay_out(const std::vector<std::uint64_t>& critical_bytes, std::uint64_t creator_bytes,
                   std::uint32_t recovery_count, std::uint64_t slice_bytes) {
  FileLayout layout;
  const auto put = [&](PlannedPacket::Kind kind, std::size_t index, std::uint64_t bytes) {
    layout.packets.push_back({kind, index, layout.bytes});
    layout.bytes += bytes;
  };
  if (recovery_count == 0) {
    for (std::size_t i = 0; i < critical_bytes.size(); ++i) put(PlannedPacket::Kind::kCritical, i, critical_bytes[i]);
  } else {
    // Each copy of all critical packets is spread evenly behind the recovery slices, so that one bad stretch of the
    // file never takes every copy of any of them.
    const auto log_two = static_cast<std::uint32_t>(std::bit_width(recovery_count)) - 1;
    const std::uint64_t copies = std::min(kMostCopies, log_two + 1);
    const std::uint64_t share = copies * critical_bytes.size();
    std::uint64_t owed = 0, next = 0;
    for (std::uint32_t i = 0; i < recovery_count; ++i) {
      put(PlannedPacket::Kind::kRecovery, i, kHeaderBytes + 4 + slice_bytes);
      for (owed += share; owed >= recovery_count; owed -= recovery_count) {
        const std::size_t index = next++ % critical_bytes.size();
        put(PlannedPacket::Kind::kCritical, index, critical_bytes[index]);
      }
    }
  }
  put(PlannedPacket::Kind::kCreator, 0, creator_bytes);
  return layout;
}

std::string recovery_file_name(std::string_view base, std::uint32_t first_exponent, std::uint32_t count) {
  return fmt::format("{}.vol{:05}+{:05}.par2", base, first_exponent, count);
}

}  // namespace darkshelf::formats::par2
