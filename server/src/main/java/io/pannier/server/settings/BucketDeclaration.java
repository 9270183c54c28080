package io.pannier.server.settings;

import io.pannier.model.QuotaType;
import java.util.Optional;
import java.util.OptionalLong;

/** A bucket that the configuration gives; what is empty stays as it is, or gets the default. */
public record BucketDeclaration(
    String name,
    Optional<QuotaType> quotaType,
    OptionalLong quotaSize,
    OptionalLong maxBlockSize,
    OptionalLong maxBlockRecords) {}
