#include "photo/decoders/heif_pixels.hpp"

#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "core/error.hpp"

namespace darkshelf::photo {

namespace {

constexpr int kMostSide = 1 << 15;

using Context = std::unique_ptr<heif_context, decltype(&heif_context_free)>;
using Handle = std::unique_ptr<const heif_image_handle, decltype(&heif_image_handle_release)>;
using Image = std::unique_ptr<const heif_image, decltype(&heif_image_release)>;

void check(const heif_error& error) {
  if (error.code != heif_error_Ok) {
    throw core::Error(core::Code::kCorrupt, std::string("HEIC: ") + (error.message == nullptr ? "" : error.message));
  }
}

/// The smallest thumbnail that is not smaller than ours, or the picture itself.
Handle source_of(const heif_image_handle* picture) {
  const heif_image_handle* best = nullptr;
  int best_side = 0;
  std::array<heif_item_id, 16> ids{};
  const int count = heif_image_handle_get_list_of_thumbnail_IDs(picture, ids.data(), static_cast<int>(ids.size()));
  for (int i = 0; i < count; ++i) {
    heif_image_handle* one = nullptr;
    if (heif_image_handle_get_thumbnail(picture, ids[static_cast<std::size_t>(i)], &one).code != heif_error_Ok)
      continue;
    const int side = std::max(heif_image_handle_get_width(one), heif_image_handle_get_height(one));
    if (side >= static_cast<int>(kThumbnailSide) && (best == nullptr || side < best_side)) {
      if (best != nullptr) heif_image_handle_release(best);
      best = one;
      best_side = side;
    } else {
      heif_image_handle_release(one);
    }
  }
  return {best, heif_image_handle_release};
}

Pixels decode(const heif_image_handle* handle) {
  heif_image* decoded = nullptr;
  check(heif_decode_image(handle, &decoded, heif_colorspace_RGB, heif_chroma_interleaved_RGB, nullptr));
  const Image image(decoded, heif_image_release);
  const int width = heif_image_get_width(decoded, heif_channel_interleaved);
  const int height = heif_image_get_height(decoded, heif_channel_interleaved);
  int stride = 0;
  const std::uint8_t* plane = heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
  if (plane == nullptr || width < 1 || height < 1 || width > kMostSide || height > kMostSide || stride < width * 3) {
    throw core::Error(core::Code::kCorrupt, "HEIC: no pixels");
  }
  Pixels out{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), {}};
  out.rgb.resize(std::size_t{out.width} * out.height * 3);
  for (std::size_t y = 0; y < out.height; ++y) {
    std::memcpy(&out.rgb[y * out.width * 3], plane + y * static_cast<std::size_t>(stride), std::size_t{out.width} * 3);
  }
  return out;
}

}  // namespace

HeifPicture heif_picture(core::ByteSpan file) {
  const Context context(heif_context_alloc(), heif_context_free);
  heif_context_set_max_decoding_threads(context.get(), 0);
  heif_context_set_maximum_image_size_limit(context.get(), kMostSide);
  check(heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr));
  heif_image_handle* primary = nullptr;
  check(heif_context_get_primary_image_handle(context.get(), &primary));
  const Handle picture(primary, heif_image_handle_release);
  HeifPicture out;
  out.width = static_cast<std::uint32_t>(std::max(0, heif_image_handle_get_width(primary)));
  out.height = static_cast<std::uint32_t>(std::max(0, heif_image_handle_get_height(primary)));
  const Handle small = source_of(primary);
  if (small) {
    try {
      out.pixels = decode(small.get());
      return out;
    } catch (const core::Error&) {  // the picture itself may be good
    }
  }
  out.pixels = decode(primary);
  return out;
}

}  // namespace darkshelf::photo
