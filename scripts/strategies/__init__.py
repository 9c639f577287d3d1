"""The strategies: what stands against each, where its torch comes from, and its plan. Pure."""
