package io.pannier.replicate;

/**
 * A task with everything that is known of it.
 *
 * @param settings without the token
 */
public record ReplicationDetail(
    ReplicationInfo info, ReplicationSettings settings, Diagnostics.Report diagnostics) {}
