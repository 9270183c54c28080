package io.pannier.server.lifecycle;

/**
 * A policy that the configuration gives.
 *
 * @param settings what it is to be
 * @param modeIsGiven false: an existing policy keeps its mode
 */
public record LifecycleDeclaration(String name, LifecycleSettings settings, boolean modeIsGiven) {}
