package io.pannier.replicate;

/**
 * A task that the configuration gives.
 *
 * @param settings what it is to be; without a token a stored one is kept
 * @param modeIsGiven false: an existing task keeps its mode
 */
public record ReplicationDeclaration(
    String name, ReplicationSettings settings, boolean modeIsGiven) {}
