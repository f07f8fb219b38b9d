// The words of printing certificates and leases. The keys are those of printed.zh.ts; a test holds them together.
export default {
  printed: {
    print: "Print",
    certificate: "Use certificate",
    lease: "Print the lease",
    lease_title: "Record of a lease",
    lease_asset: "Asset",
    lease_as_of: "As registered on",
    rent: "Rent",
    due_on: "Due on",
    from: "From",
    to: "To",
    amount: "Amount (yuan)",
  },
};
