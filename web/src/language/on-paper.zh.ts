// The words of the use certificate on paper: the law's own, in Chinese whatever the page speaks, so there is no other file.
export const registrations: Record<string, string> = {
  first: "首次登记", change: "变更登记", transfer: "转移登记", cancellation: "注销登记", correction: "更正登记", replacement: "补证", renewal: "换证",
};

export const roomTypes: Record<string, string> = {
  office: "办公室", service: "服务用房", equipment: "设备用房", ancillary: "附属用房", technical: "技术业务用房", shop: "附属用房门面", public: "公共部位", turnover_housing: "周转住房",
};

export const madeUp = "演示数据 不作凭证";

export const certificate = {
  title: "办公用房分配使用凭证",
  number: (number: string) => `证号：${number}`,
  unit: "使用单位",
  addresses: "坐落",
  between: "；",
  purpose: "用途",
  approved: "核定使用面积",
  actual: "实际使用面积",
  squareMetres: (area: string) => `${area} ㎡`,
  both: (use: string, building: string, rooms: number) => `${use} ㎡（建筑面积 ${building} ㎡，${rooms} 间）`,
  term: "使用期限",
  without_term: (from: string) => `自${from}起，未约定期限`,
  from_to: (from: string, to: string) => `${from}至${to}`,
  agreement: "使用协议",
  signed: (day: string) => `${day}签订`,
  comma: "，",
  transferSlip: "调拨单号",
  registration: "登记类型",
  certified: "发证日期",
  rooms: "房间清单",
  head: ["楼栋", "楼层", "房间号", "名称 / 类型", "使用面积（㎡）", "建筑面积（㎡）"],
  sum: "合计",
  count: (rooms: number) => `${rooms} 间`,
  floor: (floor: number) => (floor < 0 ? `地下${-floor}层` : `${floor}层`),
  day: (year: number, month: number, day: number) => `${year}年${month}月${day}日`,
  notes: [
    "本凭证证明使用单位依使用协议对所列房间享有使用权，不是不动产权属证书。",
    "使用单位不得擅自改变使用功能，不得出租、出借或用于经营，不得转给其他单位使用。",
    "机构、职能或编制调整的，应及时办理变更、转移或注销登记。",
  ],
  lacking: (rooms: number) => `${rooms} 间缺面积，合计不含其面积。`,
  issuer: "发证机关（盖章）",
  asOf: (day: string) => `截至${day}的登记内容`,
};
