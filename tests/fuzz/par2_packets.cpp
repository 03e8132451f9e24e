// Any bytes as PAR2 packets, at every offset where one may begin. What is decoded is encoded and decoded alike.

#include <cstdlib>
#include <string_view>

#include "formats/par2/packets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace core = darkshelf::core;
  namespace par2 = darkshelf::formats::par2;
  const core::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text = core::as_text(bytes);
  for (std::size_t at = text.find("PAR2"); at != std::string_view::npos; at = text.find("PAR2", at + 1)) {
    if (size - at < par2::kHeaderBytes) break;
    const auto header = par2::decode_header(bytes.subspan(at, par2::kHeaderBytes));
    if (!header || header->bytes > size - at) continue;
    // The hash is passed over, or hardly any input would come further.
    const auto body = bytes.subspan(at + par2::kHeaderBytes, header->bytes - par2::kHeaderBytes);
    const auto decoded = par2::decode_body(*header, body, body.size());
    if (!decoded) continue;
    if (const auto* main = std::get_if<par2::Main>(&*decoded)) {
      const core::Bytes again = par2::encode_main_body(*main);
      const auto twice = par2::decode_body(*header, again, again.size());
      if (!twice || std::get<par2::Main>(*twice).recovery_files != main->recovery_files) std::abort();
    } else if (const auto* recovery = std::get_if<par2::RecoverySlice>(&*decoded)) {
      if (recovery->exponent > par2::kMaxExponent || recovery->data_offset + recovery->data_bytes > header->bytes)
        std::abort();
    } else if (const auto* file = std::get_if<par2::FileDescription>(&*decoded)) {
      const core::Bytes again = par2::encode(header->set_id, *file);
      const auto part = core::ByteSpan(again).subspan(par2::kHeaderBytes);
      const auto twice = par2::decode_body(*header, part, part.size());
      if (!twice || std::get<par2::FileDescription>(*twice).name != file->name) std::abort();
    }
  }
  return 0;
}
