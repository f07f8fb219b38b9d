// 打印凭证与租约的文字。键与 printed.en.ts 完全一致，由测试保证。
export default {
  printed: {
    print: "打印",
    certificate: "使用凭证",
    lease: "打印租约",
    lease_title: "租约登记表",
    lease_asset: "资产",
    lease_as_of: "登记截至",
    rent: "租金明细",
    due_on: "应缴日",
    from: "起",
    to: "止",
    amount: "金额（元）",
  },
};
