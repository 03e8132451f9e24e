// Any bytes as a medium that is carved for packets, in windows: what is found lies within it, is what it says, and is
// the same whatever the windows are. Packets whose MD5 does not fit get one that does, or hardly any would be found.

#include <cstdlib>
#include <string_view>

#include "parity/packet_carver.hpp"
#include "rituals/rescue_sets.hpp"
#include "rituals/rescue_store.hpp"

namespace {

namespace core = darkshelf::core;
namespace par2 = darkshelf::formats::par2;
namespace parity = darkshelf::parity;

std::vector<std::uint64_t> carve(const core::Bytes& medium, std::uint64_t step, std::uint64_t ahead,
                                 darkshelf::rituals::CarvedSets* sets) {
  std::vector<std::uint64_t> found;
  parity::PacketCarver carver(
      medium.size(),
      [&](std::uint64_t offset, core::MutableByteSpan into) {
        if (offset > medium.size() || into.size() > medium.size() - offset) return false;
        std::copy_n(medium.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
        return true;
      },
      [&](const parity::CarvedPacket& packet) {
        if (packet.offset > medium.size() || packet.header.bytes > medium.size() - packet.offset) std::abort();
        found.push_back(packet.offset);
        if (sets != nullptr) sets->add(packet);
      });
  std::uint64_t from = 0;
  for (std::uint64_t base = 0; base < medium.size(); base += step) {
    const std::uint64_t to = std::min<std::uint64_t>(medium.size(), base + step);
    const std::uint64_t end = std::min<std::uint64_t>(medium.size(), to + ahead);
    from = carver.carve(core::ByteSpan(medium).subspan(base, end - base), base, from, to);
  }
  return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  core::Bytes medium(bytes.begin(), bytes.end());
  const std::string_view text = core::as_text(medium);
  for (std::size_t at = text.find("PAR2"); at != std::string_view::npos; at = text.find("PAR2", at + 1)) {
    if (medium.size() - at < par2::kHeaderBytes) break;
    const auto header = par2::decode_header(core::ByteSpan(medium).subspan(at, par2::kHeaderBytes));
    if (!header || header->bytes > medium.size() - at) continue;
    const auto md5 = darkshelf::digest::md5(core::ByteSpan(medium).subspan(at + 32, header->bytes - 32));
    std::copy(md5.begin(), md5.end(), medium.begin() + static_cast<std::ptrdiff_t>(at) + 16);
  }
  darkshelf::rituals::CarvedSets sets(1 << 20);
  const auto whole = carve(medium, medium.size() + 1, 0, &sets);
  if (carve(medium, 100, par2::kHeaderBytes, nullptr) != whole) std::abort();
  sets.settle();
  for (const auto& set : sets.all()) {
    if (set->kind == darkshelf::rituals::CarvedKind::kUnknown) continue;
    if (set->slices > par2::kMaxSlices) std::abort();
    parity::RawSliceTable table;
    table.add_set(set->files, set->scan.main->slice_bytes);
    if (set->scan.main->slice_bytes <= 1 << 16) table.settle();
  }
  try {
    std::string state(core::as_text(bytes));
    const std::string hash = core::to_hex(darkshelf::digest::sha256(bytes));
    if (state.ends_with('\n')) state += "end " + hash + "\n";
    const auto progress = darkshelf::rituals::decode_rescue(state);
    if (darkshelf::rituals::decode_rescue(darkshelf::rituals::encode_rescue(progress)).bad != progress.bad)
      std::abort();
  } catch (const core::Error&) {
  }
  return 0;
}
