package io.pannier.client;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A lifecycle with its settings. */
public record LifecycleDetail(LifecycleInfo info, LifecycleOptions settings) {
  static LifecycleDetail of(Map<String, @Nullable Object> json) {
    return new LifecycleDetail(
        LifecycleInfo.of(Json.object(json, "info")),
        LifecycleOptions.of(Json.object(json, "settings")));
  }
}
