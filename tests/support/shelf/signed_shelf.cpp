#include "support/shelf/signed_shelf.hpp"

#include <catch2/catch.hpp>

#include "formats/volume/tag_files.hpp"
#include "support/json_lines.hpp"

namespace darkshelf::testing {

namespace fv = formats::volume;

std::string anna_signs(ProgramShelf& shelf) {
  shelf.run({"key", "create", "--no-passphrase", "--name", "Anna"});
  return object(shelf.run({"--json", "key", "show"}).out, "signing_key").at("id");
}

io::Path signature_in(const ProgramShelf& shelf, const std::string& drive, std::size_t nth) {
  return shelf.volumes(drive).at(nth) / std::string(fv::kSignature);
}

io::Path signature_beside(const ProgramShelf& shelf, const std::string& drive, std::size_t nth) {
  const fv::BagInfo info = fv::decode_bag_info(text_at(shelf.volumes(drive).at(nth) / std::string(fv::kBagInfo)));
  return shelf.path(drive) / "darkshelf" / "seals" / info.volume.text() / std::string(fv::kSignature);
}

std::string text_at(const io::Path& path) { return io::read_text(io::posix(), path, 64 << 20); }

void put_text(const io::Path& path, const std::string& text) {
  if (io::posix().stat(path)) io::posix().remove_file(path);
  io::posix().create(path)->write_at(0, core::as_bytes(text));
}

void flip_signature(const io::Path& path) {
  std::string text = text_at(path);
  const std::size_t at = text.find('\n') + 40;
  REQUIRE(at < text.size());
  text[at] = text[at] == 'A' ? 'B' : 'A';
  put_text(path, text);
}

}  // namespace darkshelf::testing
