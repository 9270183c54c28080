package io.pannier.client;

import io.pannier.model.BucketSettings;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A bucket with its settings and entries.
 *
 * @param entries sorted by name
 */
public record BucketDetail(BucketInfo info, BucketSettings settings, List<EntryInfo> entries) {
  static BucketDetail of(Map<String, @Nullable Object> json) {
    return new BucketDetail(
        BucketInfo.of(Json.object(json, "info")),
        BucketOptions.settings(Json.object(json, "settings")),
        Json.objects(json, "entries").stream().map(EntryInfo::of).toList());
  }
}
