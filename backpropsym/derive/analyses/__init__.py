"""What is asked about derivations: costs, kinks, sensitivity, second derivatives."""
