export * from "./element.js";

/** Settles when the element is defined, or with the reason why it cannot be. */
export declare const ready: Promise<void>;
