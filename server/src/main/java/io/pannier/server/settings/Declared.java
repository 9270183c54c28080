package io.pannier.server.settings;

import io.pannier.query.Json;
import io.pannier.query.when.Condition;
import io.pannier.server.access.Permissions;
import io.pannier.server.access.TokenDeclaration;
import io.pannier.server.lifecycle.LifecycleDeclaration;
import io.pannier.server.lifecycle.LifecycleSettings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Resources in an environment (configuration.md §15). Where the reference drops or weakens what it
 * cannot read, the start stops.
 */
final class Declared {
  private final Reading reading;

  private Declared(Reading reading) {
    this.reading = reading;
  }

  static Declarations read(Reading reading) {
    var declared = new Declared(reading);
    var buckets = new ArrayList<BucketDeclaration>();
    for (String id : reading.ids(Table.BUCKET_NAME)) {
      declared.bucket(id).ifPresent(buckets::add);
    }
    var tokens = new ArrayList<TokenDeclaration>();
    for (String id : reading.ids(Table.TOKEN_NAME)) {
      declared.token(id).ifPresent(tokens::add);
    }
    var lifecycles = new ArrayList<LifecycleDeclaration>();
    for (String id : reading.ids(Table.LIFECYCLE_NAME)) {
      declared.lifecycle(id).ifPresent(lifecycles::add);
    }
    reading.refuseTwice("bucket", buckets.stream().map(BucketDeclaration::name).toList());
    reading.refuseTwice("token", tokens.stream().map(TokenDeclaration::name).toList());
    reading.refuseTwice("lifecycle", lifecycles.stream().map(LifecycleDeclaration::name).toList());
    return new Declarations(buckets, tokens, lifecycles);
  }

  private Optional<BucketDeclaration> bucket(String id) {
    Optional<String> name = reading.find(Table.BUCKET_NAME.of(id));
    var type = reading.find(Table.BUCKET_QUOTA_TYPE.of(id));
    var size = reading.find(Table.BUCKET_QUOTA_SIZE.of(id));
    var blockSize = reading.find(Table.BUCKET_MAX_BLOCK_SIZE.of(id));
    var blockRecords = reading.find(Table.BUCKET_MAX_BLOCK_RECORDS.of(id));
    if (size.isPresent() && type.isEmpty()) {
      reading.warn(
          reading.nameOf(Table.BUCKET_QUOTA_SIZE.of(id))
              + " has no effect on a new bucket: "
              + Table.BUCKET_QUOTA_TYPE.of(id).fullName()
              + " is not set");
    }
    return name.map(text ->
        new BucketDeclaration(
            text, type, optional(size), optional(blockSize), optional(blockRecords)));
  }

  private static OptionalLong optional(Optional<Long> number) {
    return number.map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }

  private Optional<TokenDeclaration> token(String id) {
    Optional<String> name = reading.find(Table.TOKEN_NAME.of(id));
    Optional<String> value = reading.required(Table.TOKEN_VALUE.of(id));
    boolean full = reading.find(Table.TOKEN_FULL_ACCESS.of(id)).orElse(false);
    List<String> read = reading.find(Table.TOKEN_READ.of(id)).orElse(List.of());
    List<String> write = reading.find(Table.TOKEN_WRITE.of(id)).orElse(List.of());
    var expires = reading.find(Table.TOKEN_EXPIRES_AT.of(id));
    if (name.isEmpty() || value.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new TokenDeclaration(name.get(), value.get(), new Permissions(full, read, write), expires));
  }

  private Optional<LifecycleDeclaration> lifecycle(String id) {
    Optional<String> name = reading.find(Table.LIFECYCLE_NAME.of(id));
    var type = reading.required(Table.LIFECYCLE_TYPE.of(id));
    var bucket = reading.required(Table.LIFECYCLE_BUCKET.of(id));
    var olderThan = reading.required(Table.LIFECYCLE_OLDER_THAN.of(id));
    String interval = reading.value(Table.LIFECYCLE_INTERVAL.of(id));
    var processing = reading.find(Table.LIFECYCLE_PROCESSING_INTERVAL.of(id));
    List<String> entries = reading.find(Table.LIFECYCLE_ENTRIES.of(id)).orElse(List.of());
    var when = reading.find(Table.LIFECYCLE_WHEN.of(id));
    var mode = reading.find(Table.LIFECYCLE_MODE.of(id));
    if (name.isEmpty() || type.isEmpty() || bucket.isEmpty() || olderThan.isEmpty()) {
      return Optional.empty();
    }
    when.ifPresent(text -> checkCondition(id, text, type.get()));
    var settings =
        new LifecycleSettings(
            type.get(),
            bucket.get(),
            entries,
            olderThan.get(),
            interval,
            processing,
            when,
            mode.orElse(LifecycleSettings.Mode.ENABLED));
    return Optional.of(new LifecycleDeclaration(name.get(), settings, mode.isPresent()));
  }

  private void checkCondition(String id, String when, LifecycleSettings.Type type) {
    var setting = Table.LIFECYCLE_WHEN.of(id);
    if (type != LifecycleSettings.Type.DELETE) {
      reading.mistake(setting, "a condition is for policies that delete");
    } else if (Condition.parse(Json.parse(when.getBytes(StandardCharsets.UTF_8)))
        .ext()
        .isPresent()) {
      reading.mistake(setting, "a policy cannot use #ext");
    }
  }
}
