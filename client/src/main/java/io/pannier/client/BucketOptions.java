package io.pannier.client;

import io.pannier.model.Ack;
import io.pannier.model.BucketSettings;
import io.pannier.model.QuotaType;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a bucket to be set; what is empty stays as it is, or is the store's default in a new
 * bucket. Immutable; begin with {@link #unchanged}.
 *
 * @param quotaType what happens at the quota
 * @param quotaBytes the quota
 * @param maxBlockBytes bytes of bodies after which a new block is begun
 * @param maxBlockRecords records after which a new block is begun
 */
public record BucketOptions(
    Optional<QuotaType> quotaType,
    OptionalLong quotaBytes,
    OptionalLong maxBlockBytes,
    OptionalLong maxBlockRecords) {
  /** Nothing is set. */
  public static BucketOptions unchanged() {
    return new BucketOptions(
        Optional.empty(), OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());
  }

  /** With a quota in bytes. */
  public BucketOptions quota(QuotaType type, long bytes) {
    return new BucketOptions(
        Optional.of(type), OptionalLong.of(bytes), maxBlockBytes, maxBlockRecords);
  }

  /** With another kind of quota of the same size. */
  public BucketOptions quotaType(QuotaType type) {
    return new BucketOptions(Optional.of(type), quotaBytes, maxBlockBytes, maxBlockRecords);
  }

  /** With a quota of another size. */
  public BucketOptions quotaBytes(long bytes) {
    return new BucketOptions(quotaType, OptionalLong.of(bytes), maxBlockBytes, maxBlockRecords);
  }

  /** With blocks of so many bytes. */
  public BucketOptions blockBytes(long bytes) {
    return new BucketOptions(quotaType, quotaBytes, OptionalLong.of(bytes), maxBlockRecords);
  }

  /** With blocks of so many records. */
  public BucketOptions blockRecords(long records) {
    return new BucketOptions(quotaType, quotaBytes, maxBlockBytes, OptionalLong.of(records));
  }

  /** Those of another bucket. */
  public static BucketOptions like(BucketSettings settings) {
    return unchanged()
        .quota(settings.quotaType(), settings.quotaSize())
        .blockBytes(settings.maxBlockSize())
        .blockRecords(settings.maxBlockRecords());
  }

  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    quotaType.ifPresent(type -> json.put("quota_type", type.name()));
    quotaBytes.ifPresent(bytes -> json.put("quota_size", Json.unsigned(bytes)));
    maxBlockBytes.ifPresent(bytes -> json.put("max_block_size", Json.unsigned(bytes)));
    maxBlockRecords.ifPresent(records -> json.put("max_block_records", Json.unsigned(records)));
    return json;
  }

  static BucketSettings settings(Map<String, @Nullable Object> json) {
    String quota = Json.text(json, "quota_type");
    String ack = Json.text(json, "ack");
    return new BucketSettings(
        quota.isEmpty() ? QuotaType.NONE : QuotaType.valueOf(quota.toUpperCase(Locale.ROOT)),
        Json.number(json, "quota_size"),
        Json.number(json, "max_block_size"),
        Json.number(json, "max_block_records"),
        ack.isEmpty() ? null : Ack.valueOf(ack.toUpperCase(Locale.ROOT)));
  }
}
